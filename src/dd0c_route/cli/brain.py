"""`brain`: fit a predictor to labels, and ask one."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING

import click

from dd0c_route.cli.lines import Answer, answer_each, text

if TYPE_CHECKING:
    from dd0c_route.brain.predictor import Predictor


@click.group("brain")
def command() -> None:
    """The predictor: how likely each model answers a prompt well."""


@command.command("fit")
@click.option("--labels", "labels_path", metavar="FILE", required=True, help="JSON lines; - is stdin.")
@click.option("--out", "out_path", metavar="FILE", required=True, help="Where the predictor is written.")
@click.option("--no-prior", is_flag=True, help="From these labels alone, not on top of the shipped predictor.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a text for people.")
def fit_command(labels_path: str, out_path: str, no_prior: bool, as_json: bool) -> int:
    """Fit a predictor to labels: JSON lines {"prompt", "model", "score"}, score 0 (useless) to 1 (as good as can be).

    The same labels give the same predictor. 400,000 labels take some minutes, 1,500 some seconds.
    """
    from dd0c_route.brain.predictor import shipped
    from dd0c_route.brain.training.fit import fit
    from dd0c_route.brain.training.labels import read_labels

    with click.open_file(labels_path, "rb") as file:
        labels = read_labels(file)
    predictor = fit(labels, None if no_prior else shipped())
    predictor.save(Path(out_path))
    size = Path(out_path).stat().st_size
    done = {
        "prompts": len(labels.prompts),
        "labels": int(labels.known.sum()),
        "models": len(labels.models),
        "models_known": len(predictor.models),
        "bytes": size,
    }
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(done))
    else:
        click.echo(
            f"{out_path}: {done['labels']} labels of {done['models']} models on {done['prompts']} prompts; "
            f"knows {done['models_known']} models; {size / 1e6:.1f} MB"
        )
    return 0


@command.command("predict")
@click.option("--brain", "brain_path", metavar="FILE", help="The predictor; without it the shipped one.")
def predict_command(brain_path: str | None) -> int:
    """Ask a predictor: JSON lines {"id", "prompt"} in, JSON lines out.

    \b
    out  {"id", "p_good": {model: 0..1}, "support": 0..1, "decide_us"}
         support says how much like the labelled prompts this one is; at 0 each model's mean is all that is said;
         decide_us are microseconds by the clock from the prompt to the odds of all models, without the JSON around it
    """
    from dd0c_route.processes import compute_in_place

    compute_in_place()
    from dd0c_route.brain.predictor import Predictor

    predictor = Predictor.load(Path(brain_path) if brain_path is not None else None)
    return answer_each(lambda line: predicted(line, predictor))


def predicted(line: Answer, predictor: Predictor) -> Answer:
    """The odds of all models that *predictor* knows, on the prompt of one line."""
    prompt = text(line, "prompt", may_be_empty=True)
    started = perf_counter_ns()
    odds = predictor.predict(prompt, predictor.models)
    decide_us = (perf_counter_ns() - started) // 100 / 10
    return {
        "id": line.get("id"),
        "p_good": {model: round(p, 5) for model, p in zip(predictor.models, odds.p_good, strict=True) if p is not None},
        "support": round(odds.support, 4),
        "decide_us": decide_us,
    }


@command.command("report")
def report_command() -> int:
    """How well the shipped predictor routes: figures with intervals, beside the published routers."""
    from hashlib import sha256

    from dd0c_route.brain.predictor import SHIPPED

    path = SHIPPED.with_name("report.md")
    if not path.exists():
        raise click.ClickException("nothing was measured for this predictor: run 'make routing'")
    measured, _, table = path.read_text(encoding="utf-8").partition("\n")
    if sha256(SHIPPED.read_bytes()).hexdigest() not in measured:
        click.echo("Measured with another predictor than the one that is shipped: 'make routing' measures again.\n")
    click.echo(table, nl=False)
    return 0
