"""What the lists of known names and kinds hold, each code of another module knows too."""

import dataclasses

import numpy as np
import pytest

from engine.data import cache
from engine.data.catalogue import DATASET_NAMES, FILE_SUFFIXES, SOURCES, SourceFile
from engine.data.load import MADE
from engine.data.reference import Reading
from engine.data.user_file import FILE_KINDS
from tests.conftest import make_dataset


def test_every_name_of_a_data_set_is_loaded_in_one_way():
    assert sorted(DATASET_NAMES) == sorted(["auto", *SOURCES, *MADE])


def test_a_source_is_found_by_its_own_name():
    assert {name: source.name for name, source in SOURCES.items()} == {name: name for name in SOURCES}


def test_a_file_without_any_checksum_is_no_source():
    with pytest.raises(ValueError, match="images needs a checksum"):
        SourceFile("images", (1, 2, 2))


def test_every_kind_of_file_is_read_with_keys_that_there_are():
    assert FILE_KINDS.keys() == set(FILE_SUFFIXES)
    readings = {field.name for field in dataclasses.fields(Reading)}
    assert all(set(kind.keys) <= readings for kind in FILE_KINDS.values())


def test_prepared_values_of_an_unknown_type_are_not_taken_for_another():
    dataset = make_dataset()
    encoded = cache.encode([dataset.train, dataset.validation, dataset.test], dataset.n_classes)
    content = np.concatenate([array.view(np.uint8) for array in encoded.arrays])
    with pytest.raises(KeyError, match="<i4"):
        cache.decode(encoded.header.replace(b'"values": "<f4"', b'"values": "<i4"'), content)
