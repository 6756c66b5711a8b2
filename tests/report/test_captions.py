import pandas as pd
import pytest

from nanofoam_lib.report import captions

FIGURES = [
    "workflow", "architecture", "reparametrisation", "pca_example", "wss_bss_scheme", "gradcam_scheme",
    "micrographs_raw", "micrographs_processed", "training", "reconstructions", "pca", "lda", "distances", "table1",
    "controls", "controls_table", "confusion", "geometry", "properties", "gradcam_CuNi1", "gradcam_cells",
    "gradcam_average", "class_maps", "gradcam_checks", "latent_map", "traversals", "interpolation", "samples",
    "wanted_got", "generated_quality", "large_foams", "traversals_texture", "texture_maps",
]  # fmt: skip
TABLES = [
    "near_duplicates", "models", "table1", "controls", "seeds", "confusion", "separation", "dimensions", "geometry",
    "properties", "gradcam_checks", "latent_map", "generated", "design", "design_texture", "generated_quality",
]  # fmt: skip


def manifest(lang="en", latent_dims=(128,), protocol="by-group"):
    parameters = {"latent_dims": list(latent_dims), "protocol": protocol}
    return {"lang": lang, "seed": 7, "data": {"name": "synthetic foam"}, "parameters": parameters}


@pytest.mark.parametrize(("kind", "name"), [("figures", n) for n in FIGURES] + [("tables", n) for n in TABLES])
def test_every_known_name_has_its_own_caption_in_both_languages(kind, name):
    english, spanish = (captions.caption(kind, name, manifest(lang)) for lang in ("en", "es"))
    assert english.section == spanish.section != "other"
    assert english.text.split(" Data: synthetic foam; split by group, seed 7")[0]
    assert english.text.count("Data: synthetic foam; split by group, seed 7") == 1
    assert spanish.text.count("Datos: espuma sintética; partición por probeta, semilla 7") == 1
    assert english.text.endswith(".")
    assert english.title != spanish.title


def test_the_latent_sizes_are_those_that_are_shown():
    many = manifest(latent_dims=(64, 128, 256))
    assert captions.caption("figures", "pca", many).text.endswith("seed 7; latent size 64.")
    assert captions.caption("figures", "training", many).text.endswith("seed 7; latent size 64, 128 and 256.")
    assert "latent" not in captions.caption("figures", "micrographs_raw", many).text
    spanish = captions.caption("figures", "training", manifest("es", (64, 128)))
    assert spanish.text.endswith("tamaño latente 64 y 128.")


def test_the_leaky_protocol_is_named_only_where_it_is_shown():
    leaky = manifest(protocol="thesis")
    assert "leaky" in captions.caption("tables", "table1", leaky).text
    assert "leaky" not in captions.caption("figures", "pca", leaky).text
    assert "leaky" not in captions.caption("tables", "table1", manifest()).text


def test_a_class_stands_in_the_caption_of_its_maps_as_it_is():
    found = captions.caption("figures", "gradcam_{x} a_b", manifest())
    assert found.title == "Grad-CAM of {x} a_b"
    assert found.text.startswith("An image of {x} a_b, its reconstruction")
    assert captions.caption("figures", "gradcam_checks", manifest()).title == "Checks of the Grad-CAM maps"
    assert captions.caption("figures", "gradcam_cells", manifest()).title == "Maps cell by cell"


def test_what_the_texture_model_made_stands_behind_what_the_vae_made():
    assert captions.caption("figures", "samples_texture", manifest()).title == "Sampled foams, texture model"
    assert captions.caption("figures", "gradcam_wood_texture", manifest()).title == "Grad-CAM of wood_texture"
    arranged = captions.arrange(["wanted_got", "samples_texture", "samples", "latent_map_texture"], [])
    assert [name for _, name in arranged["generation"]] == [
        "latent_map_texture", "samples", "samples_texture", "wanted_got"
    ]  # fmt: skip


def test_an_unknown_name_gives_its_own_words():
    found = captions.caption("figures", "my_{odd}_plot", manifest("es"))
    assert found == ("other", "My {odd} plot", "Datos: espuma sintética; partición por probeta, semilla 7.")


def test_figures_and_tables_stand_by_section_in_the_order_of_the_documents():
    arranged = captions.arrange(
        ["zoo", "gradcam_b", "pca", "gradcam_a", "workflow", "micrographs_raw"], ["controls", "table1"]
    )
    assert list(arranged) == ["pores", "separation", "dimensions", "method", "other"]
    assert arranged == {
        "pores": [("figures", "micrographs_raw")],
        "separation": [("figures", "pca"), ("tables", "table1"), ("tables", "controls")],
        "dimensions": [("figures", "gradcam_a"), ("figures", "gradcam_b")],
        "method": [("figures", "workflow")],
        "other": [("figures", "zoo")],
    }


def test_a_data_set_that_is_called_like_a_word_keeps_its_name():
    for name in ("test", "label", "mu"):
        own = manifest("es") | {"data": {"name": name}}
        assert captions.caption("figures", "pca", own).text.count(f"Datos: {name};") == 1


def test_a_caption_counts_images_and_specimens_where_they_are_known():
    manifest = {"lang": "es", "seed": 7, "data": {"name": "CuNi"}, "parameters": {"latent_dims": [64]}}
    index = pd.DataFrame({"group": list("aabbc"), "split": ["train"] * 2 + ["test"] * 2 + ["train"]})
    known = captions.counted(manifest, index)
    said = "Datos: CuNi, n = 5 imágenes de 3 probetas, 1 de ellas de prueba; partición por probeta, semilla 7."
    assert captions.caption("figures", "my_plot", known).text == said
    assert manifest["data"] == {"name": "CuNi"}
