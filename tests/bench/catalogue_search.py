"""
How long a search takes among many offerings.

    python -m tests.bench.catalogue_search --database postgresql://… [--offerings 100000] [--keep]

Fills a schema of its own in the database (which must belong to the role), made from varied but repeatable text,
measures the statements that a page needs, and drops the schema (with --keep it stays, and is used again).
"""

import argparse
import random
import statistics
import sys
import time

from psycopg2.extras import execute_values
from sqlalchemy import Connection

from services.catalog.adapters.search import find
from services.catalog.domain.offering import Content, Offering, Unit
from services.catalog.domain.provider import Provider
from services.catalog.domain.search import listing_of
from services.shared.chassis import database
from services.shared.kernel.ids import derived_id
from services.shared.messages.catalog.offering import SearchCatalogue
from tests.kit.fakes_catalog import NOW, a_provider

SCHEMA = "bench_catalogue"

MATERIALS = [
    ("钢", "steel"), ("铝合金", "aluminium alloy"), ("钛合金", "titanium alloy"), ("土壤", "soil"),
    ("饮用水", "drinking water"),
    ("废水", "waste water"), ("牛奶", "milk"), ("谷物", "grain"), ("锂离子电池", "lithium-ion battery"),
    ("橡胶", "rubber"),
    ("陶瓷", "ceramics"), ("稀土", "rare earth"), ("煤炭", "coal"), ("水泥", "cement"), ("沥青", "bitumen"),
    ("纺织品", "textile"),
    ("涂料", "coating"), ("药材", "medicinal herb"), ("血清", "serum"), ("半导体晶圆", "semiconductor wafer"),
]  # fmt: skip
METHODS = [
    ("扫描电镜", "scanning electron microscopy", "SEM"), ("透射电镜", "transmission electron microscopy", "TEM"),
    ("质谱分析", "mass spectrometry", "MS"), ("电感耦合等离子体质谱", "inductively coupled plasma MS", "ICP-MS"),
    ("气相色谱", "gas chromatography", "GC"), ("高效液相色谱", "liquid chromatography", "HPLC"),
    ("X射线衍射", "X-ray diffraction", "XRD"), ("X射线荧光", "X-ray fluorescence", "XRF"),
    ("拉伸试验", "tensile test", "GB/T 228.1-2021"), ("冲击试验", "impact test", "GB/T 229-2020"),
    ("硬度测定", "hardness test", "GB/T 231.1-2018"), ("热重分析", "thermogravimetry", "TGA"),
    ("差示扫描量热", "differential scanning calorimetry", "DSC"), ("核磁共振", "nuclear magnetic resonance", "NMR"),
    ("红外光谱", "infrared spectroscopy", "FTIR"), ("拉曼光谱", "Raman spectroscopy", "Raman"),
    ("激光粒度", "laser particle sizing", "ISO 13320"), ("比表面积", "specific surface area", "BET"),
    ("金相检验", "metallography", "GB/T 13298-2015"), ("盐雾试验", "salt spray test", "GB/T 10125-2021"),
]  # fmt: skip
QUALITIES = [("定量", "quantitative"), ("定性", "qualitative"), ("快速", "rapid"), ("高温", "high-temperature"),
             ("低温", "low-temperature"), ("原位", "in-situ"), ("痕量", "trace"), ("表面", "surface"),
             ("截面", "cross-section"),
             ("批量", "batch")]  # fmt: skip
ELEMENTS = ["铅", "镉", "汞", "砷", "铬", "镍", "铜", "锌", "锰", "钴", "硒", "锑", "钼", "钒", "铍", "铊"]
UNITS: list[Unit] = ["sample", "hour", "element", "batch"]
RARE = "钆镓石榴石磁光薄膜"
RARE_EVERY = 20_000

QUERIES = {
    "common, Chinese (电镜)": "电镜",
    "common, Chinese run (扫描电镜)": "扫描电镜",
    "common, English (microscopy)": "microscopy",
    "common, single character (铅)": "铅",
    "two common (钢 拉伸)": "钢 拉伸",
    "code (GB/T 228.1)": "GB/T 228.1",
    "in descriptions only (报告)": "报告",
    "middling (钛合金 原位 电镜)": "钛合金 原位 电镜",
    "rare, Chinese (钆镓石榴石)": "钆镓石榴石",
    "rare, English (gadolinium)": "gadolinium",
    "everything ()": "",
}


def an_offering(i: int, provider: Provider, dice: random.Random) -> Offering:
    """The *i*th of the generated offerings."""
    material, method = dice.choice(MATERIALS), dice.choice(METHODS)
    quality, element = dice.choice(QUALITIES), dice.sample(ELEMENTS, 3)
    rare = i % RARE_EVERY == RARE_EVERY // 2
    title_zh = f"{RARE if rare else material[0]}{quality[0]}{method[0]}" + (f"（{element[0]}）" if i % 5 == 0 else "")
    title_en = f"{'Gadolinium gallium garnet' if rare else material[1].capitalize()}, {quality[1]} {method[1]}"
    others = dice.sample(METHODS, 3)
    return Offering(
        offering_id=derived_id("bench-offering", i),
        provider_id=provider.provider_id,
        number=f"OF-2026-{i:06d}",
        content=Content(
            title_zh=title_zh,
            title_en=title_en,
            description_zh=(
                f"适用于{material[0]}及{dice.choice(MATERIALS)[0]}中{'、'.join(element)}的{method[0]}，"
                f"样品不少于{i % 90 + 5}克，出具中英文报告。可结合{others[0][0]}与{others[1][0]}。编号{i}。"
            ),
            description_en=(
                f"For {material[1]} and {dice.choice(MATERIALS)[1]}; at least {i % 90 + 5} g. Reports in Chinese and"
                f" English. May be combined with {others[2][1]} ({others[2][2]}). Batch {i}."
            ),
            method_zh=method[0],
            method_en=method[1],
            method_codes=(method[2],),
            instrument=f"Model {dice.choice('ABCDEFGH')}{dice.randrange(100, 999)}",
            instrument_class="",
            unit=dice.choice(UNITS),
            turnaround_working_days=dice.randrange(3, 30),
            orderable=True,
        ),
        drafted_at=NOW,
        state="published",
    )


def fill(connection: Connection, count: int) -> None:
    """*count* listings of 300 providers."""
    connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
    connection.exec_driver_sql(
        "CREATE TABLE listing (offering_id uuid PRIMARY KEY, title_size int NOT NULL, title_tokens tsvector NOT NULL);"
        "CREATE TABLE listing_text (offering_id uuid PRIMARY KEY, title_size int NOT NULL,"
        " all_tokens tsvector NOT NULL)"
    )
    dice = random.Random(20261123)
    providers = [
        a_provider(provider_id=derived_id("bench-provider", i), region=f"{dice.choice((11, 15, 31, 44, 50, 51))}0000")
        for i in range(300)
    ]
    cursor = database.driver(connection).cursor()
    for start in range(0, count, 2_000):
        made = [
            listing_of(an_offering(i, seller, dice), seller)
            for i in range(start, min(start + 2_000, count))
            for seller in (dice.choice(providers),)
        ]
        for table, column in (("listing", "title_tokens"), ("listing_text", "all_tokens")):
            rows = [(str(one.offering_id), one.title_size, getattr(one, column)) for one in made]
            execute_values(cursor, f"INSERT INTO {table} VALUES %s", rows, page_size=2_000)
    for table, column in (("listing", "title_tokens"), ("listing_text", "all_tokens")):
        connection.exec_driver_sql(f"CREATE INDEX ON {table} USING gin ({column})")
        connection.exec_driver_sql(f"CREATE INDEX ON {table} (title_size, offering_id)")
        connection.exec_driver_sql(f"VACUUM ANALYZE {table}")


def measure(connection: Connection, words: str, repeats: int, *, region: str | None = None) -> tuple[float, float, int]:
    """Median and fastest of *repeats* searches in ms, and how many were found."""
    query = SearchCatalogue(text=words, region=region)
    times: list[float] = []
    total = 0
    for _ in range(repeats):
        began = time.perf_counter()
        _, total = find(connection, query)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), min(times), total


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--database", required=True)
    options.add_argument("--offerings", type=int, default=100_000)
    options.add_argument("--repeats", type=int, default=50)
    options.add_argument("--keep", action="store_true")
    chosen = options.parse_args()
    source = database.engine(chosen.database, name="bench", pool_size=1)
    with database.connection(source) as connection:
        connection.exec_driver_sql(f"SET search_path = {SCHEMA}; SET statement_timeout = 0")
        present = connection.exec_driver_sql(f"SELECT to_regclass('{SCHEMA}.listing_text')").scalar_one()
        if present is None or not chosen.keep:
            began = time.perf_counter()
            fill(connection, chosen.offerings)
            print(f"{chosen.offerings:,} listings made in {time.perf_counter() - began:.0f} s")  # noqa: T201
        for name, words in QUERIES.items():
            median, fastest, total = measure(connection, words, chosen.repeats)
            print(f"{name:36} p50 {median:7.2f} ms   fastest {fastest:7.2f} ms   found {total:6,}")  # noqa: T201
        median, fastest, total = measure(connection, "电镜", chosen.repeats, region="150000")
        print(f"{'common in one region':36} p50 {median:7.2f} ms   fastest {fastest:7.2f} ms   found {total:6,}")  # noqa: T201
        if not chosen.keep:
            connection.exec_driver_sql(f"DROP SCHEMA {SCHEMA} CASCADE")
    return 0


if __name__ == "__main__":
    sys.exit(main())
