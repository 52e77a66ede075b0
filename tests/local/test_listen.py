"""`make live` without a running stack."""

from scripts import listen


def test_without_a_running_stack_the_message_says_what_to_do(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(listen, "DEV", tmp_path / "dev.json")

    assert listen.main() == 1
    assert "make run" in capsys.readouterr().err


def test_a_stack_that_has_stopped_is_not_used(tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "dev.json").write_text('{"api_url": "http://127.0.0.1:9"}')
    monkeypatch.setattr(listen, "DEV", tmp_path / "dev.json")

    assert listen.main() == 1
    assert "make run" in capsys.readouterr().err
