"""What goes wrong while a file is written is told as it is, and leaves nothing behind."""

import pytest

from explainable_bert.errors import FileError
from explainable_bert.writing import writing


def write_half(file, problem):
    with writing(file) as stream:
        stream.write(b"half of it")
        raise problem


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (FileError("model: cannot read 'x'"), "model: cannot read 'x'"),
        (OSError(28, "No space left on device"), "output: cannot write 'FILE': No space left on device"),
        (OSError("Couldn't serialize"), "output: cannot write 'FILE': Couldn't serialize"),
    ],
)
def test_what_stops_a_file_is_told(tmp_path, problem, told):
    file = tmp_path / "file.txt"
    file.write_text("as it was")
    with pytest.raises(FileError) as caught:
        write_half(file, problem)
    assert str(caught.value) == told.replace("FILE", str(file))
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]
    assert file.read_text() == "as it was"
