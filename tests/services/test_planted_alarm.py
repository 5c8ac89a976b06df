"""One site with a planted step: the one alarm of its page, of InfluxDB, of Grafana's rule, of mails and report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local_servers.influx import Bucket
from support.grafana import Asker, alert_rules, firing
from support.in_process import FastSite
from support.mail import address_file, mail_server
from support.planted import hourly_runs, script
from xomflow.core import times
from xomflow.core.verdicts import read_alarms


@pytest.mark.slow
def test_a_planted_step_is_the_one_alarm_of_page_points_rule_mails_and_report(
    site: FastSite, bucket: Bucket, tmp_path: Path
) -> None:
    newest = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    site.runs(hourly_runs(newest))
    site.analysis("light", script("light", -5.0), contact="ann@lab.org")
    site.analysis("steady", script("steady", 0.0), contact="bob@lab.org")
    site.tree["store"] = {"kind": "influxdb", "credentials": str(bucket.credentials(tmp_path)), "prefix": "prod_"}
    site.tree |= {"max_jobs_per_tick": 200, "expected": {"time_per_tick": "60 s", "together": ["light", "steady"]}}
    site.together = 50
    with mail_server() as mails:
        addresses = address_file(site.folder, addresses=[mails.url("shift@example.org")], contacts=mails.url())
        site.tree["notify"] = {"addresses": str(addresses), "digest_hour": None}
        done = site.tick()
        assert done.returncode == 0, done.stderr
        site.tick_in_another_second()
        (text,) = mails.texts_to("shift@example.org")
        assert sorted(recipient for mail in mails.mails for recipient in mail.to) == [
            "ann@lab.org",
            "shift@example.org",
        ]
    assert text.startswith("XOM: v0 fell from 99.9 to 95") and " (and " not in text.splitlines()[0]
    assert "[light-v1-0520" in text and text.count("\n- ") == 1

    reported = site.xom("report", "--week", PATH="/nonexistent")
    page = Path(reported.stdout.splitlines()[0]).read_text()
    assert page.count('class="alarm"') == 1 and 'class="band"' in page and "v0 fell from 99.9 to 95" in page

    (alarm,) = read_alarms(site.paths)
    assert alarm.sentence.startswith("v0 fell from 99.9 to 95")
    shown = (site.paths.page / "data/alarms.js").read_text()
    assert shown.count('"sentence"') == 1 and "v0 fell from 99.9 to 95" in shown

    ask = Asker(bucket, times.text(newest - timedelta(days=7)), times.text(datetime.now(UTC)))
    frames = ask(
        f'from(bucket: "{bucket.name}") |> range(start: -30d)'
        ' |> filter(fn: (r) => r._measurement == "prod_events" and r.kind == "alarm" and r._field == "title")'
    )
    (point,) = (row for frame in frames for row in frame.rows)
    assert point["_value"] == alarm.sentence

    fire = {rule["uid"]: firing(rule, ask) for rule in alert_rules(site.paths.grafana)}
    assert {uid.removeprefix("xom-prod-rule-"): of for uid, of in fire.items() if of} == {"alarms": [("light", 1.0)]}
