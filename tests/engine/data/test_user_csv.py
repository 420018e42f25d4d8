"""A user's .csv: separators, header, roles of columns, and line and column of whatever does not fit."""

import numpy as np
import pytest

from engine.errors import DataError
from tests.engine.data.own import X, Y, csv, dense, load, npz

ROWS = "".join(f"{y},{a:g},{b:g}\n" for y, (a, b) in zip(Y, X, strict=True))
RNG = np.random.default_rng(0)
N = 40
LABELS = np.arange(N) % 3
PIXELS = RNG.random((N, 6)).round(3)


def table(columns, header=True, separator=",", index=None):
    """Text of a file with these columns, by name."""
    rows = list(zip(*([*columns.values()] if index is None else [index, *columns.values()]), strict=True))
    lines = [separator.join(map(str, row)) for row in rows]
    names = [*columns] if index is None else ["", *columns]
    return "\n".join(([separator.join(names)] if header else []) + lines) + "\n"


def pixels(n=6):
    return {f"p{i}": PIXELS[:, i] for i in range(n)}


@pytest.fixture
def expected(tmp_path):
    """What the table of labels and pixels is, read from an archive."""
    return dense(load(npz(tmp_path, X=PIXELS, y=LABELS))[0])


@pytest.mark.parametrize(
    "text",
    [
        ROWS,
        ROWS.replace("\n", "\r\n"),
        ROWS.replace("\n", "\r"),
        "\n" + ROWS.replace("\n", "\n\n"),
        ROWS.rstrip("\n"),
        '"label",a,b\n' + ROWS,
        "Label, a, b\n" + ROWS,
        "# label, a, b\n" + ROWS,
        "a,label,b\n" + "".join(f"{x[0]},{y},{x[1]}\n" for x, y in zip(X, Y, strict=True)),
        ROWS.replace("0.5", '"0.5"'),
        ROWS.replace(",", ";"),
        ROWS.replace(",", "\t"),
        ROWS.replace(",", "|"),
        "sep=;\n" + ROWS.replace(",", ";"),
        ROWS.replace(",", ";").replace(".", ","),
        "label;a;b\n" + ROWS.replace(",", ";").replace(".", ","),
        "label\ta\tb\n" + ROWS.replace(",", "\t").replace(".", ","),
    ],
)
def test_csv_is_the_same_data_set_as_its_npz(tmp_path, text):
    assert dense(load(csv(tmp_path, text))[0]) == dense(load(npz(tmp_path, X=X, y=Y))[0])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_csv_with_a_byte_order_mark_has_its_header_seen(tmp_path, encoding):
    splits, *_ = load(csv(tmp_path, "label,größe,b\n" + ROWS, encoding))
    assert sum(map(len, splits)) == 7


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROWS, "there is no header, the label is column 1"),
        (ROWS.replace(",", ";").replace(".", ","), "read with semicolons between the cells and decimal commas"),
        ("a,class\n0,0\n1,1\n0.5,1\n", "the label is column 2 ('class')"),
    ],
)
def test_csv_says_how_it_was_read(tmp_path, text, said):
    assert load(csv(tmp_path, text))[2][0] == said


def test_csv_with_a_plain_header_needs_no_word(tmp_path):
    *_, notices = load(csv(tmp_path, "label,a,b\n" + ROWS))
    assert [notice.split(" taken")[0] for notice in notices] == ["validation and test"]


@pytest.mark.parametrize("name", ["label", "Labels", "class", "TARGET", "y", "digit"])
def test_csv_label_is_known_by_its_usual_names(tmp_path, expected, name):
    text = table({**pixels(3), name: LABELS, "p3": PIXELS[:, 3], "p4": PIXELS[:, 4], "p5": PIXELS[:, 5]})
    assert dense(load(csv(tmp_path, text))[0]) == expected


def test_csv_index_of_pandas_is_left_out_and_said(tmp_path, expected):
    columns = {"label": LABELS, **pixels()}
    for text in (
        table(columns, index=range(N)),
        table(columns, index=range(N)).replace(",label", "Unnamed: 0,label", 1),
    ):
        splits, _, notices = load(csv(tmp_path, text))
        assert dense(splits) == expected
        assert "is an index and is left out" in notices[0]


def test_csv_header_of_numbers_is_a_header(tmp_path):
    columns = {str(i): column for i, column in enumerate([LABELS, *RNG.random((8, N)).round(3)])}
    for text, more in ((table(columns), ""), (table(columns, index=range(N)), "is an index and is left out; ")):
        splits, _, notices = load(csv(tmp_path, text))
        assert (splits[0].rows.n_features, sum(map(len, splits))) == (8, N)
        assert notices[0].endswith(f"{more}line 1 is a header of numbers, the label is column {1 + bool(more)} ('0')")


def test_csv_few_rising_numbers_are_asked_for(tmp_path):
    text = "0,1,2\n" + ROWS
    with pytest.raises(DataError, match=r"(?s)can be a header of numbers or a row.*header: true.*--header"):
        load(csv(tmp_path, text))
    assert sum(map(len, load(csv(tmp_path, text), header=True)[0])) == 7
    assert sum(map(len, load(csv(tmp_path, text), header=False, scale="none", label="first")[0])) == 8


def test_csv_row_that_pandas_took_for_a_header_is_named(tmp_path):
    text = "5,0,0.1,0.2,0.3,12,0.4\n" + "5,0,0,0,0,12,0\n1,0,0,0,0,9,0\n" * 5
    with pytest.raises(DataError, match="is a row that pandas took for a header"):
        load(csv(tmp_path, text))


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("id", LABELS[::-1], "is called like a row's number or name"),
        ("image_id", PIXELS[:, 0], "is called like a row's number or name"),
        ("index", range(N), "is called like a row's number or name"),
        ("sample", range(100, 100 + N), "rises by one from row to row"),
        ("patient", np.arange(N) // 3, "is sorted from row to row"),
        ("seconds", 10**6 - np.arange(N) ** 2, "is sorted from row to row"),
        ("fold", LABELS[::-1], "is called like a part of the data"),
        ("is_train", LABELS[::-1] // 2, "is called like a part of the data"),
        ("sample", RNG.permutation(N) * 7, "never holds the same whole number twice"),
        ("", RNG.permutation(N), "looks like an index that pandas wrote, in another order"),
        ("Label", LABELS, "could be the label too"),
        ("class", LABELS, "could be the label too"),
        ("label_name", LABELS, "is called like a label"),
        ("coarse_label", LABELS // 2, "is called like a label"),
        ("label_encoded", LABELS * 2, "is called like a label"),
        ("prediction", LABELS[::-1], "is called like a label"),
        ("answer", LABELS * 5 + 2, "has one value for each label and so gives the answer away"),
    ],
)
def test_csv_suspicious_column_is_named_and_settled_by_key(tmp_path, expected, name, values, why):
    path = csv(tmp_path, table({"label": LABELS, **pixels(), name: values}))
    with pytest.raises(DataError) as caught:
        load(path)
    assert why in str(caught.value)
    answer = name or "8"
    assert f"ignore: [{answer}]" in str(caught.value)
    assert f"--ignore {answer}" in str(caught.value)
    assert "scale" not in str(caught.value)
    assert dense(load(path, label="label", ignore=answer)[0]) == expected
    kept, *_ = load(path, label="label", keep=answer, scale="none")
    assert kept[0].rows.n_features == 7


def test_csv_asks_everything_at_once(tmp_path):
    path = csv(tmp_path, table({"id": range(N), "label": LABELS, "a": np.arange(N) % 17}))
    with pytest.raises(DataError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert lines[-3:] == [
        f"  dataset: {{path: {path}, ignore: [id], scale: 16}}",
        "or on the command line as",
        f"  --dataset {path} --ignore id --scale 16",
    ]


WORDS = np.array(["M", "B"])[LABELS % 2]


@pytest.mark.parametrize(
    ("columns", "why", "label", "n_classes"),
    [
        ([PIXELS[:, 0], PIXELS[:, 1], LABELS], "that holds numbers that are no classes: ", "last", 3),
        ([LABELS * 0, PIXELS[:, 1], LABELS], "that is 0 in every one of the first 40 rows", "last", 3),
        ([np.arange(N) % 4, PIXELS[:, 1], LABELS], "holds 4 different values (0, 1, 2, 3), and", "last", 3),
        ([LABELS, PIXELS[:, 1], WORDS], "and column 3 words (B, M)", "last", 2),
        ([PIXELS[:, 0], LABELS, WORDS[::-1]], "that holds numbers that are no classes", "last", 2),
        ([RNG.permutation(N) * 3, WORDS, PIXELS[:, 1]], "that is different in each of the first 40 rows", "2", 2),
    ],
)
def test_csv_without_header_asks_for_the_label_where_the_first_column_is_none(tmp_path, columns, why, label, n_classes):
    path = csv(tmp_path, table(dict(enumerate(columns)), header=False))
    with pytest.raises(DataError) as caught:
        load(path)
    assert why in str(caught.value)
    assert f"label: {label}" in str(caught.value)
    assert f"--label {label}" in str(caught.value)
    assert load(path, label=label, scale="none", keep="1")[1] == n_classes


def test_csv_of_binary_pixels_without_header_keeps_its_first_column_as_label(tmp_path):
    columns = {"y": LABELS} | {str(i): RNG.integers(0, 2, N) for i in range(8)}
    assert load(csv(tmp_path, table(columns, header=False)))[1] == 3


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("side", ["first", "last"])
def test_csv_one_hot_labels_are_named(tmp_path, side, header):
    one_hot = {f"class_{i}": np.eye(3, dtype=int)[LABELS][:, i] for i in range(3)}
    columns = {**one_hot, **pixels()} if side == "first" else {**pixels(), **one_hot}
    with pytest.raises(DataError, match=f"the {side} 3 columns hold a single 1 in each row, .*argmax"):
        load(csv(tmp_path, table(columns, header)))


def test_csv_header_without_a_label_names_its_columns(tmp_path):
    path = csv(tmp_path, "width,height,species\n" + "1,0,cat\n0,0.5,dog\n0.5,0.5,cat\n" * 5)
    with pytest.raises(
        DataError, match=r"(?s)columns are 'width', 'height', 'species' .*label: species.*--label species"
    ):
        load(path)
    assert load(path, label="Species")[1] == 2


@pytest.mark.parametrize("before", [{}, {"id": RNG.permutation(N)}])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("values", [LABELS, np.array(["cat", "dog", "owl"])[LABELS]])
@pytest.mark.parametrize("name", ["diagnosis", "is_spam", "Label_ID"])
def test_csv_label_of_another_name_is_found_among_counted_columns(tmp_path, name, values, first, before):
    columns = {**before, name: values, **pixels()} if first else {**before, **pixels(), name: values}
    with pytest.raises(DataError, match=f"--label {name}"):
        load(csv(tmp_path, table(columns)))


def test_csv_row_numbers_without_a_header_are_named(tmp_path):
    columns = {"row": range(5, 5 + N), "y": LABELS, **pixels()}
    path = csv(tmp_path, table(columns, header=False))
    with pytest.raises(DataError, match=r"(?s)column 1 rises by one from row to row.*--ignore 1$"):
        load(path)
    assert dense(load(path, ignore="1")[0]) == dense(load(csv(tmp_path, table({"label": LABELS, **pixels()})))[0])


def test_csv_split_under_another_name_is_asked_for(tmp_path):
    path = csv(tmp_path, table({"label": LABELS, **pixels(), "part": np.array(["Train", "test"])[LABELS // 2]}))
    with pytest.raises(DataError, match=r"column 8 \('part'\) says Train and test, but is not called split"):
        load(path)
    assert load(path, ignore="part")[1] == 3


@pytest.mark.parametrize("word", ["unknown", "-", "N.A."])
def test_csv_one_word_among_numbers_is_no_class(tmp_path, word):
    labels = [word if i % 9 == 0 else label for i, label in enumerate(LABELS)]
    path = csv(tmp_path, table({"label": labels, **pixels()}))
    with pytest.raises(DataError, match=f"all labels are numbers but '{word}', in 5 of 40 rows"):
        load(path)
    labels[1] = labels[2] = labels[4] = "other"
    assert load(csv(tmp_path, table({"label": labels, **pixels()})))[1] == 5


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"label": "clas"}, r"label names 'clas', but there are the columns 'class', 'a'; did you mean 'class'\?"),
        ({"ignore": "3"}, "ignore names '3', but there are"),
        ({"ignore": "class", "label": "class"}, r"column 1 \('class'\) cannot be both the label and in ignore"),
        ({"ignore": "a", "keep": "2"}, r"column 2 \('a'\) cannot be both in ignore and in keep"),
        ({"ignore": "a"}, "at least one feature beside its label, but has none"),
    ],
)
def test_csv_key_that_names_no_column_is_refused(tmp_path, keys, message):
    with pytest.raises(DataError, match=message):
        load(csv(tmp_path, "class,a\n0,1\n1,0\n"), **keys)


def test_csv_split_column_is_followed(tmp_path):
    text = "label,a,split\ndog,1,train\ncat,0,Test\ncat,0.5,val\ncat,0.25, train\n"
    splits, n_classes, notices = load(csv(tmp_path, text))
    assert dense(splits) == [([[1], [0.25]], [1, 0]), ([[0.5]], [0]), ([[0]], [0])]
    assert n_classes == 2
    assert notices == ["2 different labels become classes in sorted order: cat → 0, dog → 1"]


def test_csv_split_column_may_leave_parts_out(tmp_path):
    text = "label,a,split\n" + "0,0.5,train\n1,0.25,train\n" * 5 + "1,1,test\n"
    splits, *_ = load(csv(tmp_path, text))
    assert [len(split) for split in splits] == [8, 2, 1]


def test_csv_quoted_separators_are_understood(tmp_path):
    _, _, notices = load(csv(tmp_path, "label,a\n" + '"cat, small",0.5\ndog,0.25\n' * 4))
    assert notices[0] == "2 different labels become classes in sorted order: cat, small → 0, dog → 1"


def test_csv_longer_than_a_piece_keeps_its_order(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.data.user_csv.LINES_AT_A_TIME", 3)
    assert dense(load(csv(tmp_path, ROWS))[0]) == dense(load(npz(tmp_path, X=X, y=Y))[0])


@pytest.mark.parametrize("piece", [3, 2000])
def test_csv_row_numbers_are_seen_through_all_pieces(tmp_path, monkeypatch, piece):
    monkeypatch.setattr("engine.data.user_csv.LINES_AT_A_TIME", piece)
    columns = {"label": LABELS, **pixels(), "a": range(N)}
    with pytest.raises(DataError, match="rises by one"):
        load(csv(tmp_path, table(columns)))
    load(csv(tmp_path, table({**columns, "a": [*range(30), *range(28, N - 2)]})), scale="none")


@pytest.mark.parametrize("columns", [{"a": np.arange(N) / 64, "b": PIXELS[:, 1]}, {"a": np.arange(N) // 2}])
def test_csv_measured_features_and_a_lonely_one_may_be_sorted(tmp_path, columns):
    assert load(csv(tmp_path, table({"label": LABELS, **columns})), scale="none")[1] == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": must hold rows, but is empty"),
        ("label,a\n", ": must hold rows below its header"),
        ("1\n2\n", ": a row must have at least one feature .* line 1 is a single cell"),
        ("# by me\n0,1\n", ": .* line 1 is a single cell, '# by me'"),
        ("label,pixels\n0,1 2 3\n", r", line 2, column 2 .* must be a number, but holds 3; give each of them a column"),
        ("label,two words\n0,x\n", r", line 2, .* ignore: \['two words'\] or --ignore 'two words'"),
        ("0 1\n1 2\n", ": .* cells are separated by commas, semicolons, tabs or bars"),
        ("0,1\n1,2,3\n", ", line 2: must have 2 cells like the first line, but got 3"),
        ("0,1\n\n1\n", ", line 3: must have 2 cells like the first line, but got 1"),
        ("label,a\n0,1\n1,x\n", ", line 3, .* must be a number, but got 'x'.* ignore: .a. or --ignore a"),
        ("label,a\n0,1\n1,\n", r", line 3, column 2 \('a'\): has no value \(''\)"),
        ("label,a\n0,1\n1,NA\n", r", line 3, column 2 \('a'\): has no value \('NA'\)"),
        ("label,a\n0,1\n,1\n", r", line 3, column 1 \('label'\): has no label"),
        ("label,a\n0,1\nNaN,1\n", r", line 3, .* has no label: 'NaN' stands for a missing value"),
        ("label,a\n0,1\n1,-inf\n", r", line 3, column 2 \('a'\): must be finite, but got '-inf'"),
        ("label,a\n0,1\n1,1_0\n", r", line 3, column 2 \('a'\): must be a number, but got '1_0'"),
        ("label,a\n0,1\n1,0.5\n0,\"0,5\"\n", r", line 4, .* with a decimal point, like the first rows, but got '0,5'"),
        ("label;a\n0;1,5\n1;1.5\n", r", line 3, .* with a decimal comma, like the others, but got '1.5'"),
        ("label,a,split\n0,1,train\n1,2,fold1\n", r", line 3: split must be .* but got 'fold1'.* ignore: \[split\]"),
        ("label,a,split\n0,1,test\n1,2,test\n", ": the column `split` must name some rows `train`"),
        ("label,a\n0,nan\n1,1\n0,2\n", r", line 2, column 2 \('a'\): has no value"),
        ("0,1\n1,1e99\n0,2\n", ": every value must be finite in float32, but line 2 has inf in column 2"),
        ("label,a\n0,1\n1," + "1" * 200_000 + "\n", ", line 3: cannot be split into cells: field larger than"),
        ("label,label,a\n0,0,1\n1,1,2\n", ": column 1 .*column 2 .* could be the label too"),
    ],
)  # fmt: skip
def test_csv_names_what_is_wrong(tmp_path, text, message):
    path = csv(tmp_path, text)
    with pytest.raises(DataError, match=f"(?s)^{path}{message}"):
        load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"label,\xe9\n0,1\n", "must be text in UTF-8, but is not"),
        (b"0,1\n\xff\xfe,2\n", "must be text in UTF-8, but is not"),
        ("label,a\n0,1\n".encode("utf-16-le"), "must be text in UTF-8, but holds zero bytes"),
        (b"\xff\xfe0", "must be text in UTF-8, but is not"),
        (b"PK\x03\x04rest", "must be text, but is a zip archive or an Excel workbook"),
        (b"\x1f\x8brest", "must be text, but is a gzip archive"),
        (b"PAR1rest", "must be text, but is a Parquet file"),
    ],
)
def test_csv_that_is_not_text_is_named(tmp_path, content, message):
    path = tmp_path / "own.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"^{path}: {message}"):
        load(path)


def test_csv_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.data.csv_text.MAX_LINE", 100)
    with pytest.raises(DataError, match="line 2: must have less than 100 characters"):
        load(csv(tmp_path, "label,a\n0," + "1" * 200))
