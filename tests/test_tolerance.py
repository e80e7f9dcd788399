"""same_text: what may differ between a notebook's saved output and a new one, and what may not."""

from conftest import is_progress_bar, same_after_training, same_text

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

FINGERPRINT = "map of 7: peak at row 3, column 2 of 7 × 7 · −0.512 to 1.84 · ink 0.147"


@pytest.mark.parametrize(
    "new, saved",
    [
        (FINGERPRINT, FINGERPRINT),
        ("ink 0.147", "ink 0.148"),
        ("ink 0.148", "ink 0.147"),  # rounding tips either way
        ("−0.512 to 1.84", "−0.513 to 1.83"),
        ("a  0.0 b", "a -0.0 b"),
        ("score -0.00", "score 0.00"),
        ("+0.00000", "-0.00000"),
        ("−0.0", "+0"),
        ("[ 0.  1.]", "[-0.  1.]"),  # zero has no sign
        ("accuracy 97%", "accuracy 98%"),
        ("accuracy 97.2%", "accuracy 97.3%"),
        ("loss 1.23e-05", "loss 1.24e-05"),
        ("gap 2.8e-17", "gap 0.0"),
        ("gap 2.8e-17", "gap 1.1e-16"),
        ("1,234.5 ms", "1,234.6 ms"),
        ("1234.5", "1234.9"),  # a thousandth
        ("[0.5 1. ]", "[0.5 1. ]"),
        ("[1.]", "[0.9999999]"),
        ("[0.5]", "[0.5001]"),
        ("it is 2.5.", "it is 2.5."),
        ("", ""),
    ],
)
def test_the_last_digits_of_decimal_numbers_may_differ(new, saved):
    assert same_text(new, saved) and same_text(saved, new)


@pytest.mark.parametrize(
    "new, saved",
    [
        ("row 3, column 2", "row 4, column 2"),
        ("row 3, column 2", "row 3, column 5"),
        ("18,944 parameters", "18,945 parameters"),
        ("12214", "12215"),
        ("the peak is in row 3.", "the peak is in row 4."),
        ("12,214.", "12,215."),
        ("[1. 2.]", "[1. 3.]"),
        ("3 of 7", "3 of 8"),
        ("-3", "3"),
        ("+3", "-3"),
    ],
    ids=str,
)
def test_whole_numbers_may_not_differ(new, saved):
    assert not same_text(new, saved) and not same_text(saved, new)


@pytest.mark.parametrize(
    "new, saved",
    [
        ("ink 0.147", "ink 0.149"),
        ("ink 0.000", "ink 0.147"),
        ("−0.5 to 1.8", "0.5 to 1.8"),
        ("-0.5", "0.5"),
        ("+0.5", "-0.5"),
        ("-0.1", "+0.1"),
        ("accuracy 97%", "accuracy 99%"),
        ("accuracy 97.2%", "accuracy 97.4%"),
        ("97%", "9.7%"),
        ("loss 1.23e-05", "loss 1.23e-02"),
        ("1.2e-03", "1.4e-03"),
        ("[1.]", "[0.2]"),
        ("[0.5]", "[0.5999]"),
        ("1,234.5", "1,334.5"),
        ("nan", "0.5"),
        ("0.5", "inf"),
    ],
)
def test_more_than_the_last_digit_may_not_differ(new, saved):
    assert not same_text(new, saved) and not same_text(saved, new)


@pytest.mark.parametrize(
    "new, saved",
    [
        ("strongest at the left", "strongest at the right"),
        ("the map is blank", "the evidence is strongest at the top"),
        ("97%", "97"),
        ("0.5", "0.5 "),
        ("a0.5", "a 0.5"),
        ("a 0.5", "b 0.5"),
        ("0.5 0.5", "0.5"),
        ("True", "False"),
        ("", "0.5"),
        ("gap 1.0", "Gap 1.0"),
    ],
)
def test_words_may_not_differ(new, saved):
    assert not same_text(new, saved) and not same_text(saved, new)


def test_a_blanked_heatmap_is_not_the_same():
    blank = "map of 7: peak at row 0, column 0 of 7 × 7 · 0 to 0 · ink 0.000"
    assert not same_text(blank, FINGERPRINT)
    assert not same_after_training(blank, FINGERPRINT)


@pytest.mark.parametrize(
    "new, saved",
    [
        ("accuracy 97%", "accuracy 61%"),
        ("12 of 200 are wrong", "7 of 200 are wrong"),
        ("score -3.1", "score 10.5"),
        ("[0.5 -1.]", "[0.5  1.]"),
        (
            "In 'dog' the evidence is strongest at the upper left.",
            "In 'dog' the evidence is strongest at the centre.",
        ),
        (
            "In 'dog' the evidence is strongest at the left, with 9% of the heat",
            "In 'dog' the evidence is strongest at the top, with 12% of the heat",
        ),
        ("In 'dog' there is no positive evidence.", "In 'dog' the evidence is strongest at the bottom."),
        ("map of 7: peak at row 0, column 6 of 7 × 7 · −2.1 to 0.3 · ink 0.100", FINGERPRINT),
    ],
)
def test_what_a_training_decided_is_free(new, saved):
    assert same_after_training(new, saved) and same_after_training(saved, new)


@pytest.mark.parametrize(
    "new, saved",
    [
        ("says cat", "says dog"),
        ("score nan", "score 0.5"),
        ("score inf", "score 0.5"),
        ("0.5 0.5", "0.5"),
        ("", "0.5"),
        ("0.5", "0.5 "),
        (
            "In 'dog' the map is blank: the same everywhere.",
            "In 'dog' the evidence is strongest at the centre.",
        ),
        ("map of 7: peak at row 3, column 2 of 14 × 14 · −0.512 to 1.84 · ink 0.147", FINGERPRINT),
        ("map of 7: peak at row 3, column 2 of 7 × 7 · −0.512 to 1.84 · ink 0.000", FINGERPRINT),
        ("map of 7: peak at row 3, column 2 of 7 × 7 · −0.512 to 1.84 · ink 0.010", FINGERPRINT),
        (
            "map of 7: peak at row 3, column 2 of 7 × 7 · 0 to 1 · ink 0.000",
            "map of 7: peak at row 3, column 2 of 7 × 7 · 0 to 1 · ink 0.003",
        ),
        (FINGERPRINT + " · NOT THE MAP THAT WAS GIVEN", FINGERPRINT),
        (FINGERPRINT, FINGERPRINT + "\n" + FINGERPRINT),
    ],
)
def test_words_grids_and_ink_are_not(new, saved):
    assert not same_after_training(new, saved) and not same_after_training(saved, new)


def test_progress_bars_are_told_from_what_stays():
    for bar in (
        "  0%|          | 0/10 [00:00<?, ?epoch/s]",
        "frozen:  67%|██████  | 2/3 [00:00<00:00, 9.1it/s]",
    ):
        assert is_progress_bar({"data": {"text/plain": bar}})
    for kept in ({"data": {"text/plain": "67% | right"}}, {"data": {}}, {"name": "stdout", "text": "1%|"}):
        assert not is_progress_bar(kept)


def test_what_is_no_text_must_be_equal():
    assert same_text(["0.51"], ["0.51"]) and same_text(None, None)
    assert not same_after_training("0.5", None) and same_after_training(None, None)
    assert not same_text(["0.51"], ["0.52"]) and not same_text("0.5", ["0.5"]) and not same_text(None, "")


steady = settings(max_examples=100, deadline=None, derandomize=True, database=None)


@steady
@given(st.text(max_size=60))
def test_every_text_is_the_same_as_itself(text):
    assert same_text(text, text)


@steady
@given(st.floats(-1e6, 1e6), st.sampled_from([".2f", ".4f", ".1%", ".2e", ".3f"]))
def test_rounding_to_the_next_printed_number_is_no_difference(value, form):
    step = {".2f": 0.01, ".4f": 1e-4, ".1%": 1e-3, ".3f": 1e-3}.get(form)
    step = step or 10.0 ** (int(f"{value:.2e}".partition("e")[2]) - 2)
    assert same_text(f"x = {value:{form}}", f"x = {value + 0.99 * step:{form}}")


@steady
@given(
    st.integers(-(10**6), 10**6),
    st.integers(-(10**6), 10**6),
    st.sampled_from(["{}", "{}.", "{:,} images", "[{}]", "row {},"]),
)
def test_whole_numbers_are_the_same_only_if_they_are_equal(a, b, form):
    assert same_text(form.format(a), form.format(b)) == (a == b)
