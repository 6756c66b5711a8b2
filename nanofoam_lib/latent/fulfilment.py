"""Whether foams made to order are what was ordered: how far they miss, what a guess would miss by, what is refused."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import spearmanr
from sklearn.metrics import r2_score

from nanofoam_lib.latent import intervals
from nanofoam_lib.latent.inverse_design import Design, predict

#: Who made a picture whose pores are compared with what was wanted.
DESIGNED, TOGETHER, RECONSTRUCTED, REAL = "designed", "designed together", "reconstruction", "real, 128×128"

#: What tells whether a picture holds pores, and whether it is as isotropic as real ones.
TEXTURE = ["circularity", "half_width_x", "half_width_y"]
COLUMNS = [
    "picture", "measure", "wanted", "predicted", "got", "relative_error", "extrapolation", "order", "noise",
    "train_median", *TEXTURE,
]  # fmt: skip

#: How what a drawn foam has of a property is read from it: column ``by`` of a comparison.
LAW, REGRESSION = "law", "regression"

#: Column of orders that are refused, as nothing that was tried comes near what is wanted.
OUT_OF_REACH = "out_of_reach"

#: Share of the wanted value that an order may miss and be filled.
TOLERATED = 0.1
#: Rank correlation of wanted and got below which a measure cannot be ordered.
FEWEST_RANKS = 0.8
#: How much less round than those of real pictures pores may be: those of a labyrinth are by 0.2, those of one real
#: picture of synthetic foam by 0.01 at most.
LESS_ROUND = 0.05


def compare(
    designs: Mapping[str, Design],
    points: ArrayLike,
    wanted: pd.DataFrame,
    got: pd.DataFrame,
    picture: str,
    noise: int = 0,
) -> pd.DataFrame:
    """Lay wanted beside predicted and got measures, one row per picture and measure.

    Parameters
    ----------
    designs : dict
        Measure → `Design`.
    points : ndarray, shape (N, D)
        Latent vectors of the pictures, for the prediction.
    wanted, got : pandas.DataFrame, N rows
        A column per measure: what was ordered (NaN: nothing), or measured in the full micrograph; and what `pores`
        finds in the picture of 128×128 pixels; `got` also has ``extrapolation``, as `realism.measure` gives it, and
        those of the columns `TEXTURE` that are known.
    picture : str
        Who made the picture: `DESIGNED`, `TOGETHER`, `RECONSTRUCTED` or `REAL`.
    noise : int
        Number of the field of noise from which the pictures were drawn; 0 where there is none.

    Returns
    -------
    pandas.DataFrame
        Columns picture, measure, wanted, predicted, got (a diameter is NaN where there are no pores), relative_error
        (``|got - wanted| / |wanted|``), extrapolation; ``order``, the row in `wanted`; noise; ``train_median`` of the
        measure; and `TEXTURE`.
    """
    parts = [pd.DataFrame(columns=COLUMNS)] if not designs else []
    same = got.reindex(columns=["extrapolation", *TEXTURE]).reset_index(drop=True)
    same = same.assign(picture=picture, order=np.arange(len(same)), noise=noise)
    for name, design in designs.items():
        own = {"wanted": wanted[name], "predicted": predict(design, points), "got": got[name]}
        own = {"measure": name, "train_median": design.median} | {
            key: np.asarray(value, float) for key, value in own.items()
        }
        parts.append(same.assign(**own).dropna(subset="wanted").assign(relative_error=_miss))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _miss(table, got="got"):
    """Tell by what share of the wanted value each row of a table misses it."""
    return (table[got] - table["wanted"]).abs() / table["wanted"].abs()


def over_noise(comparison: pd.DataFrame) -> pd.DataFrame:
    """Take the mean over all pictures of one order, which differ by their noise alone.

    Parameters
    ----------
    comparison : pandas.DataFrame
        Rows of `compare`. It may have a column `OUT_OF_REACH`: orders that are refused, of which what was drawn is the
        nearest there is.

    Returns
    -------
    pandas.DataFrame
        One row per picture, measure and order: the columns of `compare`, with the means of got (of the pictures with
        pores) and of `TEXTURE`, the relative_error of this mean, extrapolation where most pictures are; ``noise``, the
        number of fields; ``spread``, the standard deviation of got over them (NaN for fewer than two); and
        `OUT_OF_REACH`, False where there was no such column.
    """
    means = dict.fromkeys(["got", "extrapolation", *TEXTURE], "mean")
    firsts = dict.fromkeys(["wanted", "predicted", "train_median", OUT_OF_REACH], "first")
    numbers = comparison.assign(**{OUT_OF_REACH: _out_of_reach(comparison)}).astype({"extrapolation": float})
    pictures = numbers.groupby(["picture", "measure", "order"], sort=False)
    table = pictures.agg({**firsts, **means, "noise": "nunique"}).assign(spread=pictures["got"].std()).reset_index()
    table = table.assign(relative_error=_miss, extrapolation=table["extrapolation"] > 0.5)
    return table[[*COLUMNS, "spread", OUT_OF_REACH]]


def _out_of_reach(comparison):
    """Tell which rows are of orders that are refused: ndarray of bool."""
    return comparison[OUT_OF_REACH].to_numpy(bool) if OUT_OF_REACH in comparison else np.zeros(len(comparison), bool)


def summarise(comparison: pd.DataFrame, tolerated: float = TOLERATED) -> pd.DataFrame:
    """Sum up how well each measure can be ordered, alone and together with others, and whether it is worth it.

    Parameters
    ----------
    comparison : pandas.DataFrame
        Rows of `compare` for designed pictures, and for held-out images and their reconstructions.
    tolerated : float
        Share of the wanted value that an order may miss and be filled.

    Returns
    -------
    pandas.DataFrame
        One row per way to order (``picture``, `DESIGNED` or `TOGETHER`) and measure: ``r2`` of the regression on
        held-out images (NaN for fewer than two); the median relative error of the pictures ``designed``, and below
        which it cannot fall: of the ``reconstruction`` of a real image and of the ``real`` image itself, reduced to
        128×128; ``rank_correlation`` of wanted and got, mean over noise (Spearman's; NaN if got does not vary);
        ``orders`` and ``fields``, how many, and ``without_pores``, pictures in which no pores were found. Of the orders
        ``out_of_reach`` were refused: these numbers are those of the others, and ``nearest`` is the median error of
        what was drawn for the refused ones.

        ``error`` is that of an order's mean over noise, the median over orders, ``ci_low`` and ``ci_high`` its 95 %
        interval by bootstrap over orders. Beside it stands what costs nothing: ``train_median`` and ``middle``, the
        error of one foam for all orders, with the train median or the middle of the range; ``beats_constant`` says
        whether `error` is below both.

        ``circularity`` of the designed pictures and ``real_circularity`` of the real ones, means; ``round`` says
        whether they are within `LESS_ROUND`. ``filled`` counts the orders whose mean misses by less than `tolerated`,
        in all measures that were ordered together, and whose pores are as round as that: a texture without pores gets
        numbers too; a refused order is not filled. ``refused`` names what keeps a measure from being ordered, or is
        empty: "regression" (R² is not above 0, where got is not read by a law), "ranks" (below `FEWEST_RANKS`),
        "constant" (not better than one foam for all orders); or "reach" alone, if all orders were refused.
    """
    orders = over_noise(comparison)
    real = orders[orders["picture"] == REAL].groupby("measure")["circularity"].mean()
    near = orders["measure"].map(real).astype(float) - orders["circularity"] <= LESS_ROUND
    orders["filled"] = (orders["relative_error"] < tolerated) & near & ~orders[OUT_OF_REACH]
    orders["filled"] = orders.groupby(["picture", "order"])["filled"].transform("all")
    return pd.DataFrame(
        [
            _sum_up(picture, name, own, orders[orders["measure"] == name]) | {"tolerated": tolerated}
            for picture in (DESIGNED, TOGETHER)
            for name, own in comparison.groupby("measure", sort=False)
            if (own["picture"] == picture).any() or picture == DESIGNED
        ]
    )


def _sum_up(picture, name, table, orders):
    errors = {who: table.loc[table["picture"] == who, "relative_error"].median() for who in (RECONSTRUCTED, REAL)}
    drawn, real = (table[table["picture"] == who] for who in (picture, REAL))
    asked, real_orders = (orders[orders["picture"] == who] for who in (picture, REAL))
    drawn, orders, beyond = drawn[~_out_of_reach(drawn)], asked[~asked[OUT_OF_REACH]], asked[asked[OUT_OF_REACH]]
    found = orders.dropna(subset="got")
    ordered = len(found) > 1 and np.ptp(found["got"]) > 0
    low, high = intervals.median_interval(found["relative_error"])
    row = {
        "picture": picture,
        "measure": name,
        "r2": r2_score(real["wanted"], real["predicted"]) if len(real) > 1 else np.nan,
        "designed": drawn["relative_error"].median(),
        "reconstruction": errors[RECONSTRUCTED],
        "real": errors[REAL],
        "rank_correlation": spearmanr(found["wanted"], found["got"]).statistic if ordered else np.nan,
        "orders": len(asked),
        "out_of_reach": len(beyond),
        "nearest": beyond["relative_error"].median(),
        "fields": int(orders["noise"].max()) if len(orders) else 0,
        "without_pores": int((~(drawn["got"] > 0)).sum()),
        "error": found["relative_error"].median(),
        "ci_low": low,
        "ci_high": high,
        **_constants(orders),
        "circularity": orders["circularity"].mean(),
        "real_circularity": real_orders["circularity"].mean(),
        "filled": int(asked["filled"].sum()),
    }
    row["beats_constant"] = bool(row["error"] < min(row["train_median"], row["middle"]))
    row["by_law"] = "by" in drawn and bool((drawn["by"] == LAW).all())
    row["round"] = bool(row["real_circularity"] - row["circularity"] <= LESS_ROUND)
    return row | {"refused": ", ".join(_reasons(row))}


def _constants(orders):
    """Give the median error of one foam for all orders: with the train median, or the middle of what is wanted."""
    middle = (orders["wanted"].min() + orders["wanted"].max()) / 2
    table = orders.assign(middle=middle)
    return {name: _miss(table, name).median() for name in ("train_median", "middle")}


def _reasons(row):
    if row["orders"] and row["out_of_reach"] == row["orders"]:
        return ["reach"]
    good = {
        "regression": row["r2"] > 0 or row["by_law"],
        "ranks": row["rank_correlation"] >= FEWEST_RANKS,
        "constant": row["beats_constant"],
    }
    return [name for name, is_good in good.items() if not is_good]
