import numpy as np
import pandas as pd

from nanofoam_lib.base.language import text
from nanofoam_lib.latent import property_study
from nanofoam_lib.report import findings, tables


def table_of(**changes):
    rows = [
        ("modulus_gpa", "GPa", "texture", 8, "mu", "ridge", 0.81, 0.4, 1.25, 0.9, 0.001, 30),
        ("modulus_gpa", "GPa", "texture", 8, "mu", "PLS", 0.99, 0.9, 1.25, 0.9, np.nan, 30),
        ("modulus_gpa", "GPa", "texture", 8, "z", "ridge", 0.7, 0.3, 1.25, 0.9, 0.001, 30),
        ("modulus_gpa", "GPa", "control", 0, "class label", "ridge", 0.5, np.nan, 2.0, 0.93, 0.001, 30),
    ]
    table = pd.DataFrame(rows, columns=property_study.COLUMNS[:12]).assign(**changes)
    return table.reindex(columns=property_study.COLUMNS)


def test_the_sentence_tells_what_was_named_beforehand_with_the_unit_and_the_coverage():
    said = findings.properties(table_of(), ["notes: text, and so no property"])
    assert said.splitlines() == [
        "R² by ridge regression, on specimens not seen:",
        "- notes: text, and so no property.",
        "- **modulus**, 30 specimens: μ of the 8-d texture model 0.81, 0.40 within classes, off by 1.2 GPa, 90% "
        "intervals hold 90%; class label 0.50, off by 2 GPa, 90% intervals hold 93%.",
    ]
    assert "0.99" not in said and "0.70" not in said
    assert "off by 1.2," in findings.properties(table_of(unit=np.nan))


def test_the_pores_as_a_descriptor_named_beforehand_tells_them_are_told_too():
    rows = pd.concat([table_of(), table_of(descriptor="pores by mu", r2=0.9), table_of(descriptor="pores by z")])
    said, spanish = (findings.properties(rows, lang=lang) for lang in ("en", "es"))
    assert "; pore reading by μ of the 8-d texture model 0.90, " in said and "by z" not in said
    assert "; lectura de poros por μ del modelo de texturas de 8 dimensiones 0,90, " in spanish


def test_synthetic_properties_are_called_so_and_none_is_said():
    assert "were not measured" in findings.properties(table_of(), is_synthetic=True)
    assert "were not measured" not in findings.properties(table_of())
    none = findings.properties(table_of().iloc[:0], ["notes: text, and so no property"])
    assert none.startswith("No property of specimens is known.") and "notes: text" in none


def test_the_report_shows_ridge_under_headings_of_its_own():
    shown = tables.view("properties", table_of())
    assert len(shown) == 3 and "p_within" not in shown
    assert {"R²", "R² within classes"} <= set(shown) and text("R² within classes", "es") == "R² dentro de las clases"
    assert tables.cells(shown[["target"]], "es")["target"].iloc[0] == "módulo (GPa)"
