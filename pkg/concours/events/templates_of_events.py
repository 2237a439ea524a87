# ruff: noqa: E501 - sentences for people stay whole
"""The three ready-made shapes of an event: a team contest, a works exhibition, a story session.

Data alone: an event made from one is the organiser's to change. Days are counted from the day the event begins;
a phase opens at 09:00 and closes at 18:00 in the event's zone.
"""

from dataclasses import dataclass, field
from typing import Any

from concours.events.fields import Label
from concours.events.models import EventKind, MediaKind, PhaseKind
from concours.events.rules import MIB

OPENS_AT_HOUR = 9
CLOSES_AT_HOUR = 18


@dataclass(frozen=True)
class CategoryTemplate:
    """A category as the template has it; `rules` and `fields` are as in the model of the same name."""

    code: str
    title: Label
    media_kind: MediaKind
    rules: dict[str, Any]
    fields: list[dict[str, Any]]


@dataclass(frozen=True)
class PhaseTemplate:
    """A phase: it opens on day `first` and closes on day `last` (0 is the day the event begins)."""

    kind: PhaseKind
    first: int
    last: int


@dataclass(frozen=True)
class EventTemplate:
    """An event's shape; `about` says what it is good for."""

    kind: EventKind
    name: Label
    about: Label
    summary: Label
    statement: Label
    categories: tuple[CategoryTemplate, ...]
    phases: tuple[PhaseTemplate, ...]
    settings: dict[str, Any] = field(default_factory=dict)


def _label(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def _choices(*pairs: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"value": zh, "label": _label(zh, en)} for zh, en in pairs]


_PHONE = {
    "key": "phone",
    "label": _label("联系电话", "Phone"),
    "max_length": 32,
    "private": True,
    "help": _label("仅主办方可见。", "Seen by the organiser alone."),
}
_YEAR = {
    "key": "year",
    "label": _label("创作年份", "Year"),
    "type": "number",
    "whole": True,
    "minimum": 1900,
    "maximum": 2100,
    "required": True,
}
_NOTE = {
    "key": "note",
    "label": _label("作品说明", "Note on the work"),
    "type": "textarea",
    "max_length": 300,
    "help": _label("不超过300字，会印在展签上。", "Up to 300 characters; printed on the label."),
}


def _side(key: str, zh: str, en: str) -> dict[str, Any]:
    return {
        "key": key,
        "label": _label(zh, en),
        "type": "number",
        "required": True,
        "minimum": 1,
        "maximum": 2000,
        "unit": "cm",
    }


_HEIGHT, _WIDTH = _side("height_cm", "高", "Height"), _side("width_cm", "宽", "Width")
_SHOT = [
    {"key": "place", "label": _label("拍摄地点", "Place of shooting"), "required": True, "max_length": 100},
    {"key": "shot_on", "label": _label("拍摄时间", "Date of shooting"), "type": "date", "required": True},
]

_PICTURE_OF_A_WORK = {"min_bytes": MIB // 5, "max_bytes": 20 * MIB, "min_long_side": 1600}
_PHOTOGRAPH = {"formats": ["jpeg"], "min_bytes": MIB, "max_bytes": 20 * MIB, "min_long_side": 2000, "needs_exif": True}

CALLIGRAPHY = CategoryTemplate(
    "calligraphy",
    Label(zh="书法", en="Calligraphy"),
    MediaKind.IMAGE,
    {
        "files": _PICTURE_OF_A_WORK,
        "per_author": 2,
        "description": _label(
            "软笔、硬笔、篆刻均可，尺寸不超过六尺整宣。请正面、均匀光线拍摄或扫描整幅作品。",
            "Brush, pen and seal carving; no larger than a six-chi sheet. Photograph or scan the whole work, in even light.",
        ),
    },
    [
        {
            "key": "script",
            "label": _label("书体", "Script"),
            "type": "choice",
            "required": True,
            "choices": _choices(
                ("楷书", "Regular script"),
                ("行书", "Running script"),
                ("草书", "Cursive script"),
                ("隶书", "Clerical script"),
                ("篆书", "Seal script"),
                ("篆刻", "Seal carving"),
                ("硬笔", "Pen"),
            ),
        },
        {
            "key": "transcription",
            "label": _label("释文", "Transcription"),
            "type": "textarea",
            "max_length": 2000,
            "required_when": {"field": "script", "values": ["草书", "篆书", "篆刻"]},
            "help": _label(
                "草书、篆书、篆刻必须附释文。", "Obligatory for cursive script, seal script and seal carving."
            ),
        },
        _HEIGHT,
        _WIDTH,
        _YEAR,
        _NOTE,
        _PHONE,
    ],
)

PAINTING = CategoryTemplate(
    "painting",
    Label(zh="绘画", en="Painting"),
    MediaKind.IMAGE,
    {
        "files": _PICTURE_OF_A_WORK,
        "per_author": 2,
        "description": _label(
            "国画、油画、水彩、版画等均可，须为本人原创，不接受临摹作品。",
            "Chinese painting, oil, watercolour, prints and others; your own invention, no copies.",
        ),
    },
    [
        {
            "key": "medium",
            "label": _label("画种", "Medium"),
            "type": "choice",
            "required": True,
            "choices": _choices(
                ("国画", "Chinese painting"),
                ("油画", "Oil"),
                ("水彩", "Watercolour"),
                ("水粉", "Gouache"),
                ("版画", "Print"),
                ("素描", "Drawing"),
                ("漆画", "Lacquer painting"),
                ("综合材料", "Mixed media"),
            ),
        },
        _HEIGHT,
        _WIDTH,
        _YEAR,
        _NOTE,
        _PHONE,
    ],
)

PHOTOGRAPHY = CategoryTemplate(
    "photography",
    Label(zh="摄影（单幅）", en="Photography (single)"),
    MediaKind.IMAGE,
    {
        "files": _PHOTOGRAPH,
        "per_author": 3,
        "description": _label(
            "提交JPEG原图，保留完整EXIF信息；除裁剪和影调调整外不得合成、增删影像。",
            "The original JPEG with its EXIF whole; cropping and toning are fine, composites are not.",
        ),
    },
    [*_SHOT, _NOTE, _PHONE],
)

SERIES = CategoryTemplate(
    "series",
    Label(zh="摄影（组照）", en="Photography (series)"),
    MediaKind.SERIES,
    {
        "files": {**_PHOTOGRAPH, "min_count": 4, "max_count": 8},
        "per_author": 1,
        "description": _label(
            "每组4至8张，按顺序排列，一组计为一件作品。", "4 to 8 photographs in order; a series counts as one work."
        ),
    },
    [*_SHOT, _NOTE, _PHONE],
)


def _team_video(code: str, zh: str, en: str, about: dict[str, str]) -> CategoryTemplate:
    return CategoryTemplate(
        code,
        Label(zh=zh, en=en),
        MediaKind.VIDEO,
        {
            "files": {
                "max_bytes": 1024 * MIB,
                "min_long_side": 1280,
                "orientation": "landscape",
                "min_seconds": 60,
                "max_seconds": 300,
            },
            "description": about,
        },
        [
            {
                "key": "people",
                "label": _label("参赛人数", "People in the video"),
                "type": "number",
                "whole": True,
                "minimum": 1,
                "maximum": 1000,
                "required": True,
            },
            *_SHOT,
            {**_NOTE, "label": _label("视频简介", "About the video"), "help": Label().model_dump()},
            _PHONE,
        ],
    )


_ONE_TAKE = _label(
    "横屏拍摄，1至5分钟，一镜到底，不得剪辑拼接；全体队员须入镜。",
    "Landscape, 1 to 5 minutes, one take without cuts, with the whole team in the picture.",
)

TEAM_CONTEST = EventTemplate(
    kind=EventKind.TEAM_CONTEST,
    name=Label(zh="团队比赛", en="Team contest"),
    about=Label(
        zh="部门组队报名，队员日常打卡，再交一段参赛视频，由评委打分、群众投票。",
        en="Departments register teams, members check in with clips, and a contest video is judged and voted on.",
    ),
    summary=Label(
        zh="以部门为单位组队参加，队员上传日常活动视频打卡，每队提交一段参赛视频，由评委评审和群众投票共同决出名次。",
        en="Departments enter teams; members check in with daily clips; each team sends one contest video, which is judged by a jury and voted on by the public.",
    ),
    statement=Label(
        zh="我队承诺：所提交视频均由本队队员本人完成并真实拍摄，未使用他人影像或合成手段；"
        "视频中出镜人员均已知情同意。我队授权主办方在本活动范围内展示、传播和汇编该视频。",
        en="We declare that our videos show our own members and were really filmed, without other people's footage or composites, "
        "and that everyone seen in them agreed. We allow the organiser to show, share and collect them within this event.",
    ),
    categories=(
        _team_video("large", "大部门组", "Large departments", _ONE_TAKE),
        _team_video("small", "小部门组", "Small departments", _ONE_TAKE),
    ),
    phases=(
        PhaseTemplate(PhaseKind.REGISTRATION, 0, 14),
        PhaseTemplate(PhaseKind.SUBMISSION, 7, 97),
        PhaseTemplate(PhaseKind.SCREENING, 7, 102),
        PhaseTemplate(PhaseKind.JUDGING, 102, 112),
        PhaseTemplate(PhaseKind.VOTING, 105, 112),
        PhaseTemplate(PhaseKind.RESULTS, 115, 145),
    ),
    settings={
        "check_in": True,
        "max_teams_per_department": 10,
        "team_min": 10,
        "team_max": 40,
        "clips_per_member_day": 1,
    },
)

WORKS_EXHIBITION = EventTemplate(
    kind=EventKind.WORKS_EXHIBITION,
    name=Label(zh="作品展览", en="Works exhibition"),
    about=Label(
        zh="征集书法、绘画、摄影等作品，评委盲审遴选，入选作品线上线下展出。",
        en="A call for calligraphy, painting and photography; a blind jury selects what is hung and shown online.",
    ),
    summary=Label(
        zh="面向全体干部职工征集书法、绘画、摄影作品，经初审和评委盲审，遴选优秀作品集中展出。",
        en="All staff are invited to send calligraphy, painting and photography; after screening and a blind jury the selected works are exhibited.",
    ),
    statement=Label(
        zh="本人承诺：所提交作品为本人原创，不侵犯他人的著作权、肖像权、名誉权等合法权益；如有不实，由本人承担责任。"
        "本人授权主办方在本活动及相关公益宣传中展览、出版、信息网络传播该作品并为作者署名。",
        en="I declare that the work is my own and infringes nobody's rights; I answer for this statement. I allow the organiser to exhibit, "
        "print and publish it online for this event and its non-commercial publicity, naming the author.",
    ),
    categories=(CALLIGRAPHY, PAINTING, PHOTOGRAPHY, SERIES),
    phases=(
        PhaseTemplate(PhaseKind.SUBMISSION, 0, 45),
        PhaseTemplate(PhaseKind.SCREENING, 0, 52),
        PhaseTemplate(PhaseKind.JUDGING, 52, 66),
        PhaseTemplate(PhaseKind.VOTING, 60, 66),
        PhaseTemplate(PhaseKind.RESULTS, 68, 98),
        PhaseTemplate(PhaseKind.EXHIBITION, 70, 100),
    ),
    settings={"per_author_total": 5},
)

_STORY_FIELDS: list[dict[str, Any]] = [
    {"key": "speaker", "label": _label("讲述人", "Speaker"), "required": True, "max_length": 80},
    {
        "key": "synopsis",
        "label": _label("故事梗概", "Synopsis"),
        "type": "textarea",
        "max_length": 300,
        "required": True,
        "help": _label("不超过300字。", "Up to 300 characters."),
    },
    _PHONE,
]

STORY_SESSION = EventTemplate(
    kind=EventKind.STORY_SESSION,
    name=Label(zh="故事分享会", en="Story session"),
    about=Label(
        zh="征集身边人、身边事，可交文字稿、音频或视频，安排分享顺序，也可评审和投票。",
        en="Stories as text, audio or video, presented in a running order; judging and voting are optional.",
    ),
    summary=Label(
        zh="讲身边人、身边事。文字稿、音频、视频均可投稿，入选故事将在分享会上讲述。",
        en="Stories of the people around us, as text, audio or video; the selected ones are told at the session.",
    ),
    statement=Label(
        zh="本人承诺：故事内容真实、为本人原创，涉及的人员均已知情同意。本人授权主办方在本活动中编排、展示和传播该故事并署名。",
        en="I declare that the story is true and my own, and that the people in it agreed. I allow the organiser to arrange, present and share it in this event, naming the author.",
    ),
    categories=(
        CategoryTemplate(
            "text",
            Label(zh="文字故事", en="Written story"),
            MediaKind.TEXT,
            {"per_author": 1, "description": _label("800至3000字。", "800 to 3,000 characters.")},
            [
                {
                    "key": "story",
                    "label": _label("正文", "Story"),
                    "type": "textarea",
                    "required": True,
                    "min_length": 800,
                    "max_length": 3000,
                },
                *_STORY_FIELDS,
            ],
        ),
        CategoryTemplate(
            "audio",
            Label(zh="音频故事", en="Audio story"),
            MediaKind.AUDIO,
            {
                "files": {"max_bytes": 100 * MIB, "min_seconds": 60, "max_seconds": 480},
                "per_author": 1,
                "description": _label(
                    "1至8分钟，吐字清楚，无明显杂音。", "1 to 8 minutes, clearly spoken, without noise."
                ),
            },
            _STORY_FIELDS,
        ),
        CategoryTemplate(
            "video",
            Label(zh="视频故事", en="Video story"),
            MediaKind.VIDEO,
            {
                "files": {
                    "max_bytes": 1024 * MIB,
                    "min_long_side": 1280,
                    "orientation": "landscape",
                    "min_seconds": 60,
                    "max_seconds": 480,
                },
                "per_author": 1,
                "description": _label("横屏，1至8分钟。", "Landscape, 1 to 8 minutes."),
            },
            _STORY_FIELDS,
        ),
    ),
    phases=(
        PhaseTemplate(PhaseKind.SUBMISSION, 0, 30),
        PhaseTemplate(PhaseKind.SCREENING, 0, 37),
        PhaseTemplate(PhaseKind.JUDGING, 37, 44),
        PhaseTemplate(PhaseKind.VOTING, 40, 44),
        PhaseTemplate(PhaseKind.RESULTS, 46, 76),
    ),
    settings={"per_author_total": 2},
)

TEMPLATES: dict[str, EventTemplate] = {t.kind: t for t in (TEAM_CONTEST, WORKS_EXHIBITION, STORY_SESSION)}
