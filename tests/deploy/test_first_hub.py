"""The page that begins with nothing, run as it stands."""

from pathlib import Path

from tests.deploy.following import follow

PAGE = Path(__file__).parents[2] / "docs" / "first-hub.md"


def test_the_page_works_as_it_stands(tmp_path: Path) -> None:
    """Keys, a directory, a hub, a subscription, an alert: what arrives, and why, is shown at the end."""
    told = follow(PAGE, tmp_path, blocks=5, timeout_s=100)
    assert "Lũ trên sông Tiên Yên vượt báo động 3" in told or "Tien Yen river above alarm level 3" in told
    assert "chuyển toàn bộ" in told
