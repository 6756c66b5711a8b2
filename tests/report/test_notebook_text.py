import pytest

from nanofoam_lib.report import notebook_text


@pytest.mark.parametrize("name", ["<img src=http://example.org/x>", "<script>alert(1)</script>", "a & b"])
def test_names_never_become_html(name):
    shown = notebook_text.markdown(f"Best is **{name}**").data
    assert "<" not in shown
    assert shown.startswith("Best is **")
    assert shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == f"Best is **{name}**"
