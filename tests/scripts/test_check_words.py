"""The check of the language finds each kind of name, message and line that scripts/words.toml refuses."""

from pathlib import Path

import pytest

from scripts import check_words
from scripts.check_words import check, load_rules


def findings(root: Path, files: dict[str, str]) -> list[str]:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    return [str(finding) for finding in check(root, files, load_rules())]


@pytest.mark.parametrize(
    ("code", "line", "old"),
    [
        ("def told():\n    pass\n", 1, "told"),
        ("async def _freed():\n    pass\n", 1, "_freed"),
        ("class Household:\n    pass\n", 1, "Household"),
        ("class Ledger:\n    def seen(self):\n        pass\n", 2, "seen"),
        ("import pytest\n\n\n@pytest.fixture\ndef desk():\n    pass\n", 5, "desk"),
        ("def start(wish):\n    pass\n", 1, "wish"),
        ("def start(*, who):\n    pass\n", 1, "who"),
        ("start = lambda wish: 1\n", 1, "wish"),
        ("UNOBJECTIONABLE = 1\n", 1, "UNOBJECTIONABLE"),
        ("class Session:\n    told_ms: int\n", 2, "told_ms"),
        ("class Session:\n    over = False\n", 2, "over"),
        ("def start(self):\n    self.mine = 1\n", 2, "mine"),
        ("start(wish=1)\n", 1, "wish"),
        ("def start():\n    said = 1\n", 2, "said"),
        ("for one in range(3):\n    pass\n", 1, "one"),
        ("import json as wire\n", 1, "wire"),
        ("item['told_sessions']\n", 1, "told_sessions"),
        ("def unexpected(error):\n    pass\n", 1, "unexpected"),
        ("def renewed(session):\n    pass\n", 1, "renewed"),
        ("def job_taken(job):\n    pass\n", 1, "job_taken"),
    ],
)
def test_an_old_name_is_found_wherever_it_is_declared(code: str, line: int, old: str, tmp_path: Path) -> None:
    found = findings(tmp_path, {"tests/test_jobs.py": code})

    assert len(found) == 1
    assert found[0].startswith(f'tests/test_jobs.py:{line}: "{old}" → "')


@pytest.mark.parametrize(
    "code",
    [
        "def claim_job(job):\n    due = job.told\n    return due\n",
        '"""What was said is due, and over there it is known what one wanted."""\n',
        "# Nothing is taken or heard; look it up.\n",
        "def seed(stage):\n    pass\n",
        "class AskAnswer:\n    answered: bool\n",
        "def settled_credits(hold):\n    pass\n",
    ],
)
def test_ordinary_words_are_not_refused_in_prose_and_as_part_of_names(code: str, tmp_path: Path) -> None:
    assert findings(tmp_path, {"chalicelib/jobs.py": code}) == []


@pytest.mark.parametrize("path", ["chalicelib/tallies.py", "tests/audit/household.py", "tests/test_sheets.py"])
def test_an_old_module_name_is_found(path: str, tmp_path: Path) -> None:
    (found,) = findings(tmp_path, {path: ""})

    assert found.startswith(f'{path}:1: "{Path(path).stem}" → ')


@pytest.mark.parametrize(
    ("first", "second"),
    [("leases", "leasing"), ("limits", "limiting"), ("audit", "auditor"), ("export", "exports"), ("audited", "audits")],
)
def test_modules_of_one_folder_differ_by_more_than_a_suffix(first: str, second: str, tmp_path: Path) -> None:
    together = findings(tmp_path, {f"sandbox/{first}.py": "", f"sandbox/{second}.py": ""})
    apart = findings(tmp_path, {f"sandbox/{first}.py": "", f"scripts/{second}.py": ""})

    assert [found for found in together if "by more than a suffix" in found]
    assert not [found for found in apart if "by more than a suffix" in found]


def test_a_module_may_have_the_name_of_another_and_one_word_more(tmp_path: Path) -> None:
    assert (
        findings(tmp_path, {"chalicelib/lease.py": "", "chalicelib/lease_rules.py": "", "chalicelib/leads.py": ""})
        == []
    )


def test_two_classes_of_chalicelib_have_two_names(tmp_path: Path) -> None:
    nested = "class Store:\n    class Page:\n        pass\n"

    found = findings(tmp_path, {"chalicelib/a.py": "class Page:\n    pass\n", "chalicelib/b.py": nested})
    elsewhere = findings(tmp_path, {"chalicelib/c.py": "class Page:\n    pass\n", "tests/d.py": nested})

    assert found == ['chalicelib/b.py:2: "Page" → "another name: the class at chalicelib/a.py:1 has this one"']
    assert elsewhere == []


def test_a_test_name_above_90_characters_is_found(tmp_path: Path) -> None:
    longest, longer = "test_" + "a" * 85, "test_" + "a" * 86
    code = f"def {longest}():\n    pass\n\n\ndef {longer}():\n    pass\n"

    (found,) = findings(tmp_path, {"tests/test_jobs.py": code})

    assert found == f'tests/test_jobs.py:5: "{longer}" → "a name of at most 90 characters"'


@pytest.mark.parametrize(
    ("path", "content", "line", "old"),
    [
        ("chalicelib/errors.py", "MESSAGE = 'This purchase came to nothing.'\n", 1, "came to nothing"),
        ("app.py", "MESSAGE = f'{name} is Still\\n  At it'\n", 1, "Still At it"),
        ("scripts/demo.py", "MESSAGE = ('Not ready: ask '\n  'again later.')\n", 1, "ask again"),
        ("sandbox/app.py", "MESSAGE = '1 credits were held'\n", 1, "1 credits"),
        ("chalicelib/http/assets/admin/app.js", "ok();\nnotice('Answered nonsense.')\n", 2, "nonsense"),
        ("chalicelib/http/assets/docs/index.html", "<p>Ask\n  again.</p>\n", 1, "Ask again"),
        ("chalicelib/errors.py", "MESSAGE = 'As things stand'\n", 1, "As things stand"),
        ("docs/openapi.json", '{\n  "description": "200; 400 bad\\nwords."\n}\n', 2, "bad words"),
    ],
)
def test_an_old_phrase_is_found_in_messages(path: str, content: str, line: int, old: str, tmp_path: Path) -> None:
    (found,) = findings(tmp_path, {path: content})

    assert found.startswith(f'{path}:{line}: "{old}" → "')


@pytest.mark.parametrize(
    ("path", "content", "line", "old"),
    [
        ("docs/api.md", "# API\n\nThe sweep rings the\nalarm.\n", 3, "rings the alarm"),
        ("README.md", "*None of ours.*\n", 1, "None of ours"),
        ("CHANGELOG.md", "- Made good.\n", 1, "Made good"),
        ("CONTRIBUTING.md", "What would else fail.\n", 1, "would else"),
        ("Makefile", "run: ## beside `make demo`\n", 1, "beside `make"),
        ("clients/browser/src/index.ts", "/**\n * A started credit\n * in full.\n */\n", 2, "A started credit"),
        ("tests/test_jobs.py", "x = 1\n# The client is\n# told.\n", 2, "is told"),
        ("tests/test_jobs.py", "x = 1  # So many requests.\n", 1, "So many requests"),
        ("tests/test_jobs.py", 'def f():\n    """One.\n\n    An invalid wish.\n    """\n', 4, "wish"),
        ("tests/test_jobs.py", "def test_nobodys_job_stays():\n    pass\n", 1, "nobodys: test_nobodys_job_stays"),
    ],
)
def test_an_old_phrase_is_found_in_docs_and_comments(
    path: str, content: str, line: int, old: str, tmp_path: Path
) -> None:
    found = [one_line for one_line in findings(tmp_path, {path: content}) if f"{path}:{line}: " in one_line]

    assert found
    assert found[0].startswith(f'{path}:{line}: "{old}" → "')


def test_counted_nouns_are_found_only_after_a_whole_one(tmp_path: Path) -> None:
    assert findings(tmp_path, {"app.py": "MESSAGE = '11 credits, 0.1 seconds, 2,001 users'\n"}) == []


def test_strings_of_tests_are_not_read(tmp_path: Path) -> None:
    assert findings(tmp_path, {"tests/test_jobs.py": "SPEECH = 'It came to nothing, he was told.'\n"}) == []


def test_recorded_speech_is_exempt(tmp_path: Path) -> None:
    speech = "| and it came to nothing, whoever was told |\n"

    assert findings(tmp_path, {"demo/speech/README.md": speech, "demo/speech/said.py": "said = 1\n"}) == []
    assert len(findings(tmp_path, {"demo/README.md": speech})) == 3


def test_lines_of_docs_have_at_most_120_columns(tmp_path: Path) -> None:
    line, link = "a " * 61, "https://example.com/" + "a" * 120
    page = "\n".join(
        [
            line,
            "a" * 120,
            f"| {line} |",
            "```",
            line,
            "```",
            link,
            f"- [x]({link})",
            f"[x]: {link}",
            f"See {link} {line}",
        ]
    )

    found = findings(tmp_path, {"docs/api.md": page, "CHANGELOG.md": page})

    assert [finding.split(" → ")[0] for finding in found] == [
        'docs/api.md:1: "122 columns"',
        'docs/api.md:10: "267 columns"',
    ]


def test_findings_are_sorted_by_path_and_line(tmp_path: Path) -> None:
    code = "wish = 1\n" * 11

    found = findings(tmp_path, {"b.py": code, "a.py": code})

    assert [finding.split(" ")[0] for finding in found] == [
        f"{path}:{n}:" for path in ("a.py", "b.py") for n in range(1, 12)
    ]


@pytest.mark.parametrize(("code", "status"), [("wish = 1\n", 1), ("body = 1\n", 0)])
def test_the_command_fails_exactly_if_it_finds_something(
    code: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.py").write_text(code)
    monkeypatch.setattr(check_words, "ROOT", tmp_path)
    monkeypatch.setattr(check_words, "list_files", lambda root: ["app.py"])

    assert check_words.main() == status
    assert ('app.py:1: "wish" → "' in capsys.readouterr().out) is bool(status)
