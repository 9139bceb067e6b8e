"""
Which kind of instrument a foreign name speaks of (the Chinese name and the class that the name itself lacks), and
what an asset register holds beside instruments.

Both are tables of regular expressions, letter case aside; the first line of which one is found in the name decides.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """*instrument_class*: first four digits of the national class of instruments."""

    zh: str
    en: str
    instrument_class: str


# Chinese | English | class | patterns ; a line that ends in ; goes on in the next
_KINDS = r"""
聚焦离子束 | Focused ion beam | 0101 | \bfib\b ; focused ion ; nanomill ; ion mill
光刻设备 | Lithography | 0113 | \be-?beam cleanroom ; jeol e-beam ; raith ; lithograph ; stepper ;
    mask writer ; suss ?ma\d ; mla 150 ; imprint
扫描电子显微镜 | Scanning electron microscope | 0101 | \b(fe)?sem\b ; scanning electron ; field emissio
电子光学仪器 | Electron-optical instrument | 0101 | \btem\b ; transmission electron ;
    electron (diffraction|beam|monochromat) ; \bleed\b ; ebsd
扫描探针显微镜 | Scanning probe microscope | 0108 | \bafm\b ; \bstm\b ; \bspm\b ; scanning (probe|tun) ;
    picospm ; snom ; force micr
共聚焦显微镜 | Confocal microscope | 0108 | confocal ; spinning dis ; tcs sp
光学显微镜 | Optical microscope | 0108 | micros?c ; nikon (mm|l|sm) ; leica mz ; busch & lomb ; axioskop ;
    inverted ; slice scope
核磁共振波谱仪 | NMR spectrometer | 0106 | \bnmr\b ; \bavance ; advance ?300 ; minispec ; mas pro?b ; cp/mas
电子顺磁共振波谱仪 | EPR spectrometer | 0106 | \bepr\b ; \besr\b ; \bemx\b ; elexs
磁学测量系统 | Magnetic measurement | 0106 | magnetom ; squid ; magnet sys
元素与同位素质谱仪 | Elemental and isotope mass spectrometer | 0102 | icp-?ms ; neptun ; isotope ratio ; sims\b
气相色谱质谱联用仪 | GC-MS | 0102 | gc[-_ ]?(ms|qtof|tof) ; trace dsq ; 5973
质谱仪 | Mass spectrometer | 0102 | mass[- ]?spec ; \bms\b ; \bt?q?-?tof ; tofspec ; maldi ; fticr ; ftms ;
    orbi ; ltq ; lumos ; exploris ; eclipse ; astral ; ascend ; exactive ; triple[_ ]quad ; \btsq\b ;
    altis ; \bqqq ; q ?trap ; qstar ; synapt ; \bims\b ; ims\d ; slim ; timstof ; tims ; lc/?ms ;
    nano-?desi ; velos ; agtof ; qtof
X射线衍射仪 | X-ray diffractometer | 0103 | x-?ray.*(diff|def) ; \bxrd\b ; diffract ; rigaku
X射线仪器 | X-ray instrument | 0103 | x-?ray
液相色谱仪 | Liquid chromatograph | 0105 | hplc ; uhpl ; nanolc ; \blc\b ; _lc\b ; acquity ; lcmsnet ;
    prominence ; akta ; biocad ; duoflow ; purif ; prostar
气相色谱仪 | Chromatograph | 0105 | chrom(at|\b) ; \bgc\b ; 6890
拉曼光谱仪 | Raman spectrometer | 0104 | raman
红外光谱仪 | Infrared spectrometer | 0104 | ft-?ir ; infrared ; nicolet
紫外可见分光光度计 | UV-visible spectrophotometer | 0104 | uv/?vis ; spectropho ; lambda ?\d ; cary \d
荧光光谱仪 | Fluorescence spectrometer | 0104 | fluor ; flour ; specflu
薄膜与表面测量仪 | Thin film and surface metrology | 0203 | ellipsom ; filmetrics ; nanospec ; film stress ;
    goniometer ; dektak ; profilomet ; sensofar
光谱仪 | Spectrometer | 0104 | spectro ; monochrom
热分析仪 | Thermal analyser | 0109 | calori ; \bitc\b ; \btga ; thermal analys ; netzsch ; \bta100
电化学与电生理仪器 | Electrochemistry and electrophysiology | 0107 | potentiostat ; battery ; vmp3 ; patch c ;
    electrophys ; multiclam
颗粒与比表面分析仪 | Particle and surface area analyser | 0205 | zetas ; malvern ; partic ; \bdls\b ; asap 2020
生命科学仪器 | Life science instrument | 0110 | pcr ; sequenc ; mi ?seq ; genotyp ; electrophor ; centrifu ;
    flow cyt ; facs ; guava ; incucyte ; plate (read|l\b) ; tecan ; spectramax ; powerwave ; patch ;
    sx20 ; stop(ped)? ?flow
激光器与光学系统 | Laser and optical system | 0203 | laser ; femto ; verdi ; mira ?9 ; surelite ; tunable ;
    opo\b
刻蚀设备 | Etching | 0113 | etch ; asher ; rie\b ; descum ; vapor etcher
薄膜沉积设备 | Thin film deposition | 0113 | sputter ; evaporat ; deposition ; pecvd ; parylene ; evg ;
    atomic layer
热处理设备 | Furnace | 0113 | furnace ; tube \d ; anneal ; \brta\b ; oven ; hotplate ; sinter
湿法与涂胶设备 | Wet bench and coating | 0113 | bench ; hood ; spinner ; spin rinse ; spin coat ; resist ;
    clean(er)?\b ; develop ; piranha ; rca\b ; hmds ; liftoff ; cmp\b
封装与电学测试设备 | Packaging and electrical test | 0113 | bond ; dicing ; scribe ; probe ; 4pt ; hall effect ;
    parametric ; pdms ; microfluidic ; silaniz ; puncher ; mixer
样品前处理设备 | Sample preparation | 0112 | critical point ; freeze dry ; glow discharge ; em gp ;
    glove ?box ; cryo ; microwave ; reactor ; lab vacuum ; synthes
电子测量仪器 | Electronic measuring instrument | 0304 | oscillosc ; ocsil ; spectrum analys ; impedance ;
    lcr meter ; frequency count ; waveform ; arbitrary wav
成像与探测系统 | Imaging and detection | 0203 | camera ; ccd ; emccd ; ixon ; streak ; eye ?track ;
    motioncapture
"""

# reason | patterns
_JUNK = r"""
name_missing | ^(unknown)?$
vehicle | \bvan\b ; transit ; land rover ; isuzu ; boat
bookkeeping | ^[\W\d]+$ ; ^inv[ -]?\d+$ ; ^proforma ; as per quot ; fixed asset ; suspen ; add to fa ;
    on (delivery|installation) ; final payment ; part asset ; all at a total ; planning app ; \bgrant$ ;
    research funded ; add the elect ; ^52/i ; capital a
building_work | building ; bld alter ; survey ; warrant ; workhut ; greenhouse ; clean room val ;
    purdie ; qs of ; hall & taw ; ennob ; library safepod ; installation of
furniture | chair ; furniture
computing | comput ; software ; cluster ; server ; sun fire ; raid ; laptop ; monitor ; tower ; dell ;
    blade ; origin 200 ; hardware ; md1000 ; x2100 ; symbolic ; tv cable ; hdtv
"""


def _table(text: str) -> list[tuple[list[str], re.Pattern[str]]]:
    lines = [line.strip() for line in re.sub(r";\n", "; ", text).splitlines() if line.strip()]
    found = []
    for line in lines:
        *cells, patterns = line.split(" | ")
        words = [word.strip() for word in patterns.split(" ; ")]
        found.append((cells, re.compile("|".join(words), re.IGNORECASE)))
    return found


_KIND_TABLE = [(Kind(*cells), pattern) for cells, pattern in _table(_KINDS)]
_JUNK_TABLE = [(cells[0], pattern) for cells, pattern in _table(_JUNK)]


def kind_of(*texts: str) -> Kind | None:
    """The kind that the first of *texts* that says any speaks of; none where no word is known."""
    for text in texts:
        for kind, pattern in _KIND_TABLE:
            if pattern.search(text):
                return kind
    return None


def junk_reason(name: str) -> str | None:
    """Why what an asset register calls *name* is no instrument; none where nothing says so."""
    return next((reason for reason, pattern in _JUNK_TABLE if pattern.search(name)), None)
