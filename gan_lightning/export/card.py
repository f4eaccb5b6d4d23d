"""The model card: what a stranger has to know of a generator, in the form that model hubs show."""

from collections.abc import Mapping
from typing import Any

from gan_lightning.report.markdown import markdown_table, number


def model_card(config: Mapping[str, Any], *, title: str, shown: str | None) -> str:
    """The text of ``README.md``.

    Args:
        config: what ``config.json`` has.
        title: of the method, as people write it.
        shown: the file of samples to show; None where there is none.
    """
    training, samples = config["training"], config["samples"]
    lines = [
        "---",
        "library_name: pytorch",
        *(["pipeline_tag: unconditional-image-generation"] if samples["kind"] == "images" else []),
        "tags:",
        "- gan",
        f"- {training['method']}",
        "---",
        "",
        f"# A generator trained by {title} on {training['data']}",
        "",
    ]
    if shown and shown.endswith(".png"):
        lines += [f"![Samples]({shown})", ""]
    elif shown:
        lines += [f"Samples: [{shown}]({shown}).", ""]
    lines += [
        "## Use",
        "",
        "```python",
        "from load import sample  # load.py needs torch alone",
        "",
        f"samples = sample(16, seed=0)  # {('16', *samples['shape'])!s}".replace("'", ""),
        "```",
        "",
        f"{samples['meaning']} {config['statistics']['meaning']}",
        "",
        "| file | what it is |",
        "| :--- | :--- |",
        *(f"| `{name}` | {what} |" for name, what in config["files"].items()),
        "",
        "## Scores",
        "",
        *scores_lines(config),
        "",
        "## Training",
        "",
        f"{title} (`{training['method']}`), seed {training['seed']}, {training['generator_step']:,} generator "
        f"iterations with {training['n_critic']} critic steps each, architecture `{training['arch']}`. Weights of the "
        f"{training['checkpoint']} checkpoint, {training['weights']}. Trained with gan_lightning; `config.json` has "
        "the run's settings.",
        "",
        "## Limits",
        "",
        "For research on generative models. It knows what its training set showed and nothing else; what that set "
        "lacks or distorts, its samples lack and distort. Nobody has looked whether it repeats training samples unless "
        "this card says so. No licence is given here: whoever passes it on adds one that goes with the training data.",
    ]
    return "\n".join(lines) + "\n"


def scores_lines(config: Mapping[str, Any]) -> list[str]:
    """A table of the scores, with their protocol and with what frozen statistics change."""
    scores = config["scores"]
    if not scores["recorded"]:
        return ["It was not scored."]
    frozen = scores["frozen"] or {}
    rows = [["score", "run's own", "frozen statistics"]] if frozen else [["score", "run's own"]]
    for name, value in scores["recorded"].items():
        cells = [name, "-" if value is None else number(value)]
        rows.append([*cells, number(frozen[name]) if name in frozen else "-"] if frozen else cells)
    protocol = scores["protocol"] or {}
    taken = ", ".join(f"{name} {value}" for name, value in protocol.items())
    lines = [*markdown_table(rows, left=1), "", f"Protocol: {taken}."]
    if protocol.get("extractor") != "inception-v3-compat":
        lines += ["", "These are scores by another network than Inception: they compare with their like alone."]
    return lines
