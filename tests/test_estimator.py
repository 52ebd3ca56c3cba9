"""The estimator as scikit-learn uses it: its own checks, searches, pipelines, and what a fitted one is."""

import importlib
import pickle
import random
import sys

import numpy as np
import pandas
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import check_is_fitted, validate_data
from transformers import BertConfig, BertModel

from explainable_bert import ExplainableClassifier, estimator
from explainable_bert.errors import FileError, InputError, MissingExtraError
from explainable_bert.estimator import ExplainableBertEstimator
from tiny import SIZES, WORDS, toy_corpus

FAST = {"design": "vanilla", "epochs": 1, "batch_size": 16, "learning_rate": 3e-3}
TEXTS = [example.text for example in toy_corpus().train]
LABELS = [example.label for example in toy_corpus().train]
NUMBERS = [word for word in WORDS if word.isalpha()]


def written(rows):
    """Rows of numbers as texts: a word for each, by its size."""
    places = np.clip(np.floor((np.asarray(rows, float) + 3) * len(NUMBERS) / 6), 0, len(NUMBERS) - 1).astype(int)
    return [" ".join(NUMBERS[place] for place in row) for row in places]


class AskedEverything(ExplainableBertEstimator):
    """Says that it takes tables of numbers: scikit-learn's checks, which feed these, are left out otherwise."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array, tags.input_tags.string = True, False, False
        tags.classifier_tags.poor_score = True  # what the tiny, random BERT of tests learns is not looked at
        return tags


class OfNumbers(AskedEverything):
    """Takes tables of numbers, as texts."""

    def fit(self, X, y):
        super().fit(written(validate_data(self, X)), y)
        self.classifier_.model.double()  # the checks ask for more digits than the order of sums leaves in float32
        return self

    def predict_proba(self, X):
        check_is_fitted(self)
        return super().predict_proba(written(validate_data(self, X, reset=False)))


def checks(estimator_class):
    found = estimator_checks_generator(estimator_class(**FAST))
    names = [getattr(check, "func", check).__name__ for _, check in found]
    found = estimator_checks_generator(estimator_class(**FAST))
    numbered = [f"{name}-{names[:place].count(name)}" for place, name in enumerate(names)]
    return [pytest.param(check, id=name) for name, (_, check) in zip(numbered, found, strict=True)]


# These feed the estimator itself a table of numbers, which it refuses, in place of texts.
FEED_NUMBERS = """
check_fit_score_takes_y check_estimators_overwrite_params check_dont_overwrite_parameters
check_estimators_fit_returns_self check_readonly_memmap_input check_n_features_in_after_fitting
check_positive_only_tag_during_fit check_estimators_dtypes check_complex_data check_dtype_object
check_estimators_empty_data_messages check_pipeline_consistency check_estimators_nan_inf check_estimator_sparse_tag
check_estimator_sparse_array check_estimator_sparse_matrix check_estimators_pickle check_f_contiguous_array_estimator
check_classifier_data_not_an_array check_classifiers_one_label check_classifiers_classes check_classifiers_train
check_classifiers_regression_target check_supervised_y_2d check_methods_sample_order_invariance
check_methods_subset_invariance check_fit2d_1sample check_fit2d_1feature check_dict_unchanged check_fit_idempotent
check_fit_check_is_fitted check_n_features_in check_fit2d_predict1d check_requires_y_none
""".split()


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory, tokenizer):
    """A BERT that learns easily: with the biases of new ones."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("base")
    BertModel(BertConfig(**SIZES)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def name_of(check):
    return getattr(check, "func", check).__name__


def checked(check, made):
    if name_of(check) == "check_array_api_input":
        pytest.skip("numpy arrays alone are taken")
    check(made)


@pytest.mark.parametrize("check", checks(OfNumbers))
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore:invalid value:RuntimeWarning")
def test_checks_of_scikit_learn_pass_on_numbers_as_texts(check, base_folder):
    checked(check, OfNumbers(base=str(base_folder), **FAST))


@pytest.mark.parametrize("check", checks(AskedEverything))
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore:invalid value:RuntimeWarning")
def test_checks_of_scikit_learn_on_the_estimator_itself(check, stock_folder):
    made = AskedEverything(base=str(stock_folder), **FAST)
    if name_of(check) not in FEED_NUMBERS:
        checked(check, made)
        return
    with pytest.raises((ValueError, TypeError, AssertionError)):  # else the list is too long
        checked(check, made)


@pytest.fixture(scope="module")
def fitted(stock_folder):
    return ExplainableBertEstimator(base=str(stock_folder), random_state=0, **FAST).fit(TEXTS, LABELS)


def test_it_is_searched_and_validated_and_stands_in_a_pipeline(stock_folder):
    made = ExplainableBertEstimator(base=str(stock_folder), random_state=0, **FAST)
    search = GridSearchCV(made, {"design": ["vanilla", "additive"]}, cv=2, error_score="raise").fit(TEXTS, LABELS)
    assert search.best_estimator_.classifier_.engine.design == search.best_params_["design"]
    assert len(cross_val_score(made, np.array(TEXTS), LABELS, cv=2, error_score="raise")) == 2
    shout = FunctionTransformer(lambda texts: [text + "!" for text in texts])
    piped = make_pipeline(shout, made).fit(TEXTS, LABELS)
    assert piped[-1].explain(["good"])[0].text == "good"
    assert piped.predict(TEXTS).shape == (24,)


def test_texts_and_labels_of_any_kind(fitted):
    for texts in (np.array(TEXTS), np.array(TEXTS, dtype=object), pandas.Series(TEXTS)):
        np.testing.assert_array_equal(fitted.predict_proba(texts), fitted.predict_proba(TEXTS))
    numbers = np.arange(24) % 12
    many = clone(fitted).fit(TEXTS, numbers)
    assert many.predict_proba(TEXTS).shape == (24, 12)
    assert many.classes_.tolist() == list(range(12))
    assert many.predict(TEXTS).dtype == numbers.dtype
    # A column for each class, in the order of the numbers: not that of their names.
    probabilities = many.classifier_.predict(TEXTS[:1])[0].probabilities
    assert list(probabilities) == [str(number) for number in range(12)]


def test_seeds(fitted):
    again = clone(fitted).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    other = clone(fitted).set_params(random_state=1).fit(TEXTS, LABELS)
    assert not np.array_equal(other.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    drawn = clone(fitted).set_params(random_state=None)
    first = drawn.fit(TEXTS, LABELS).report_.run["settings"]["seed"]
    assert drawn.fit(TEXTS, LABELS).report_.run["settings"]["seed"] != first


def test_fitting_leaves_the_generators_of_others_alone(fitted, monkeypatch):
    # Type checks draw from Python's generator, which items of a list they look at: here that is kept to them.
    monkeypatch.setattr("explainable_bert.estimator._texts", list)

    def draws():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    def seeded():
        random.seed(5)
        np.random.seed(5)  # noqa: NPY002
        torch.manual_seed(5)

    seeded()
    expected = draws()
    seeded()
    clone(fitted).fit(TEXTS, LABELS)
    assert draws() == expected


def test_saved_loaded_and_pickled(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    loaded = ExplainableBertEstimator.load(tmp_path / "model")
    for other in (loaded, pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(other.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    assert loaded.get_params() | {"random_state": 0} == fitted.get_params()
    assert ExplainableClassifier.load(tmp_path / "model").labels == ("negative", "positive")
    with pytest.raises(FileError, match="is not empty; accepted: a new folder"):
        fitted.save(tmp_path / "model")


def test_the_default_design_trains_its_twin_and_names_no_folder_that_is_gone(stock_folder, tmp_path):
    settings = FAST | {"design": "explainable"}
    made = ExplainableBertEstimator(base=str(stock_folder), random_state=0, **settings).fit(TEXTS, LABELS)
    explanation = made.explain(TEXTS[:1], target="positive")[0]
    assert explanation.target == "positive"
    assert explanation.attribution.completeness_error < 1e-4
    made.save(tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text()
    assert f"base: `{stock_folder.name}`" in card
    assert "teacher: `a vanilla twin, not kept`" in card


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        ("good", ["a"], "X: str given; accepted: a list, 1-D array or pandas Series of strings"),
        (np.array([["good"]]), ["a"], "X: ndarray of shape (1, 1) given; accepted: a list, 1-D array or pandas Seri"),
        ([], [], "X: 0 texts given"),
        (["good", 3], [0, 1], "X[1]: int given; accepted: a string"),
        (["good", " "], [0, 1], "X[1]: ' ' given; accepted: a text with"),
        (["good", "bad"], [1, 1], "y: one class, "),
        (["good", "bad"], [0, 1], "y: one text of each label given"),
        (["good", "bad"], None, "y: fit requires y to be passed"),
    ],
)
def test_what_cannot_be_fitted(stock_folder, texts, labels, message):
    with pytest.raises(InputError) as error:
        ExplainableBertEstimator(base=str(stock_folder), **FAST).fit(texts, labels)
    assert str(error.value).startswith(message)


def test_of_many_and_few_texts_some_are_held_out():
    classes = np.array([0] * 20 + [1] * 11 + [2] * 3)
    places = estimator._held_out(classes, 0.1, np.random.default_rng(0))
    assert sorted(classes[places]) == [0, 0, 1]
    assert len(estimator._held_out(np.array([0, 1, 1]), 0.1, np.random.default_rng(0))) == 1
    with pytest.raises(InputError, match="validation_fraction: 1 given; accepted: above 0, below 1"):
        estimator._held_out(classes, 1, np.random.default_rng(0))


def test_an_estimator_that_was_not_fitted_and_one_without_scikit_learn(monkeypatch):
    with pytest.raises(NotFittedError):
        ExplainableBertEstimator().explain(["good"])
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, "explainable_bert.estimator")
    with pytest.raises(MissingExtraError, match=r"pip install 'explainable-bert\[sklearn\]'"):
        importlib.import_module("explainable_bert.estimator")
