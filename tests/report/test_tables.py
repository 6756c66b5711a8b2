import pathlib
import re

import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.report import tables


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([12.345, -0.5, np.nan], ["12,3", "−0,5", "–"]),
        ([10912.4, 3.1], ["10912", "3"]),
        ([0.0322, 0.00411], ["0,0322", "0,0041"]),
        ([1.0, 0.25], ["1,000", "0,250"]),
        ([308.0, np.nan], ["308", "–"]),
        ([3, 40], ["3", "40"]),
        ([-0.0001, 1.0], ["0,000", "1,000"]),
        ([True, False], ["sí", "no"]),
        (["mu", None], ["mu", "–"]),
    ],
)
def test_numbers_of_a_column_share_their_decimals(values, written):
    assert tables.cells(pd.DataFrame({"x": values}), "es")["x"].tolist() == written


def test_of_orders_the_mean_over_noise_is_shown_whatever_kind_of_model_drew_them():
    table = pd.DataFrame({"picture": "designed", "measure": "porosity", "order": [0, 0, 1], "noise": [1, 2, 1]})
    table = table.assign(wanted=[0.4, 0.4, 0.5], got=[0.3, 0.4, 0.5], predicted=0.4, extrapolation=[True, True, False])
    table = table.assign(train_median=0.4, circularity=0.9, half_width_x=3.0, half_width_y=3.0)
    for name in ("design", "design_texture"):
        shown = tables.view(name, table)
        assert shown["got"].tolist() == pytest.approx([0.35, 0.5])
        assert shown["noise"].tolist() == [2, 1]
        assert shown["extrapolation"].tolist() == [True, False]
    assert tables.view("design_of_mine", table) is table


def test_only_the_library_s_own_words_are_translated():
    frame = pd.DataFrame({"descriptor": ["mu"], "label": ["mu"]})
    assert tables.cells(frame, "en").iloc[0].tolist() == ["μ", "mu"]


def test_empty_and_constant_columns_are_left_out_and_said():
    frame = pd.DataFrame({"data": "d", "kind": "vae", "x": [1, 2], "empty": [None, None], "kl": [0.5, 0.5]})
    shown, said = tables.condense(frame, "es")
    assert list(shown) == ["x"]
    assert said == "Todas las filas: tipo: VAE; KL: 0,500."


@pytest.mark.parametrize("frame", [pd.DataFrame({"x": [1]}), pd.DataFrame({"x": []}), pd.DataFrame({"x": [1, 1]})])
def test_a_table_never_loses_all_its_columns(frame):
    shown, said = tables.condense(frame, "en")
    assert (list(shown), said) == (["x"], "")


def test_an_estimate_keeps_its_interval():
    frame = pd.DataFrame({"x": [1, 2], "r": [0.5, 0.5], "ci_low": [0.25, 0.25], "ci_high": [0.75, 1]})
    assert list(tables.condense(frame, "en")[0]) == ["x", "r", "ci_low", "ci_high"]
    assert tables.interval(frame) == ["r", "ci_low", "ci_high"]


def test_bold_is_what_lies_above_its_rivals_by_more_than_its_interval():
    names = ["mu", "z", "LBP", "LBP", "supervised features"]
    columns = {"descriptor": names, "latent_dim": [4, 4, 4, 8, 9], "accuracy": [0.5, 0.7, 0.6, 0.1, 0.9]}
    table = pd.DataFrame(columns).assign(protocol="p")
    sure, unsure = table.assign(ci_low=table["accuracy"] - 0.05), table.assign(ci_low=table["accuracy"] - 0.15)
    assert tables.best("table1", sure) == [False, True, False, True, False]
    assert tables.best("controls", sure) == [False, True, False, False, False]
    assert tables.best("controls", unsure) == tables.best("dimensions", sure) == [False] * 5
    assert tables.best("controls", sure.assign(accuracy=0.7)) == [False] * 5


def test_the_headline_is_the_random_forest_on_unseen_groups():
    rows = [
        (kind, size, name, classifier, protocol)
        for kind, size, name in [("vae", 4, "mu"), ("vae", 4, "sigma"), ("vae", 8, "sigma"), ("control", 9, "LBP")]
        for classifier in ("KNN", "random forest", "softmax")
        for protocol in ("by-group", "thesis (leaky)")
    ]
    scores = pd.DataFrame(rows, columns=["kind", "latent_dim", "descriptor", "classifier", "protocol"])
    found = tables.headline(scores)
    assert set(found["classifier"]) == {"random forest"}
    assert set(found["protocol"]) == {"by-group"}
    assert found["descriptor"].tolist() == ["mu", "sigma", "sigma", "LBP"]
    assert tables.headline(scores, "vae", 8, "sigma").index.tolist() == [14]
    assert tables.headline(scores, latent_dim=4)["descriptor"].tolist() == ["mu", "sigma"]
    assert len(tables.headline(scores, descriptor="unknown")) == 0
    assert len(tables.headline(scores, classifiers=("random forest", "softmax"))) == 2 * len(found)
    assert len(tables.by_group(scores)) == len(scores) / 2


def test_nothing_else_picks_these_rows():
    library = pathlib.Path(tables.__file__).parents[1]
    for path in [*library.glob("report/**/*.py"), *library.glob("runs/*.py")]:
        if path.name not in ("tables.py", "parameters.py"):
            assert not re.search(r"== ['\"](random forest|by-group)", path.read_text(encoding="utf-8")), path


def test_an_infinite_number_takes_no_decimals_and_is_a_dash():
    column = pd.Series([0.123, -np.inf])
    assert tables.cells(pd.DataFrame({"x": column}), "en")["x"].tolist() == ["0.123", "–"]


def test_numbers_of_several_units_in_a_column_keep_three_digits_each_and_those_of_one_their_decimals():
    targets = ["cu_m", "cu_m", "modulus_gpa"]
    frame = pd.DataFrame({"target": targets, "wanted": [0.2, 0.21667, 44.9], "r2": [0.91, 0.5, 0.3]})
    written = tables.cells(frame, "en")
    assert written["wanted"].tolist() == ["0.200", "0.217", "44.9"]
    assert written["r2"].tolist() == ["0.910", "0.500", "0.300"]
    alike = pd.DataFrame({"descriptor": ["mu", "sigma"], "accuracy": [0.9, 0.05]})
    assert tables.cells(alike, "en")["accuracy"].tolist() == ["0.900", "0.050"]
    assert tables.cells(alike.iloc[:0], "en").shape == (0, 2)


def test_clusters_are_counted_in_tables_as_in_sentences():
    assert tables.view("clusters", pd.DataFrame({"cluster": [0, 1]}))["cluster"].tolist() == [1, 2]


def test_a_table_for_a_notebook_has_words_for_heads_and_no_column_that_says_one_thing():
    table = pd.DataFrame({"kind": "vae", "descriptor": ["mu", "sigma"], "accuracy": [0.5, 0.25]})
    shown = tables.readable("", table, "es")
    assert shown.columns.tolist() == ["exactitud"] and shown["exactitud"].tolist() == ["0,500", "0,250"]
    assert len(table.columns) == 3
