"""Maps: rows renormalised as worked by hand, two models on one scale, their difference on its own."""

import dataclasses

import numpy as np

from explainable_bert.export.maps import caption, compared, grid, renormalised
from explainable_bert.records import AttentionMap
from export_samples import explain, with_map


def test_each_row_is_divided_by_its_sum_and_a_row_of_zeros_stays():
    weights = renormalised(AttentionMap(((0.1, 0.3), (0.0, 0.0), (0.2, 0.2)), (0.6, 1.0, 0.6)))
    np.testing.assert_allclose(weights, [[0.25, 0.75], [0.0, 0.0], [0.5, 0.5]], atol=1e-12)


def test_a_grid_has_a_label_per_unit_and_the_largest_weight_as_limit():
    found = grid(with_map(explain("a b\x00", (1.0, 2.0))), "name")
    assert found.labels == ("a", "b␀")
    assert found.weights.shape == (3, 2)
    np.testing.assert_allclose(found.special, [0.6] * 3)
    assert np.isclose(found.limit, 0.75)


def test_no_map_or_no_unit_is_no_grid():
    assert grid(explain(), "name") is None
    empty = dataclasses.replace(explain("", ()), attention_map=AttentionMap(((),), (1.0,)))
    assert grid(empty, "name") is None


def test_two_maps_share_a_scale_and_their_difference_has_its_own():
    record = explain("a b", (1.0, 2.0))
    base, versus = grid(with_map(record, (0.1, 0.3)), "A"), grid(with_map(record, (0.3, 0.2)), "B")
    one, other, difference = compared(base, versus)
    assert one.limit == other.limit == compared(versus, base)[0].limit
    assert np.isclose(one.limit, 0.75)
    # 0.6 - 0.25 and 0.4 - 0.75; special tokens got 0.5 instead of 0.6.
    np.testing.assert_allclose(difference.weights, [[0.35, -0.35]] * 3)
    np.testing.assert_allclose(difference.special, [-0.1] * 3)
    assert np.isclose(difference.limit, 0.35)
    assert difference.is_difference
    assert "The third is B minus A: blue is more in B, orange more in A" in caption((one, other, difference))
    assert "renormalised over the units" in caption((one,))
    assert caption(()) == ""
