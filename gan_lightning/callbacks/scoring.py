"""Scores at intervals and at the end; the final one and the best one are kept."""

from typing import Any, cast

import lightning as L

from gan_lightning.callbacks.measures import check_finite, is_due
from gan_lightning.data.base import RealData
from gan_lightning.metrics import Scorer
from gan_lightning.metrics.interim import Interim
from gan_lightning.module import AdversarialModule
from gan_lightning.runs.directory import RunDirectory


class Scoring(L.Callback):
    """Scores the generator and writes ``result.json`` and the best checkpoint.

    Args:
        scorer: what turns samples into numbers.
        data: whose training set the samples are compared with.
        directory: where the scores and the best checkpoint go.
        every: generator iterations between scores.
        interim: what scores on the way in the scorer's place, and decides which generator is best; at the end both
            score. ``None``: the scorer does.
    """

    def __init__(
        self,
        scorer: Scorer,
        data: RealData,
        *,
        directory: RunDirectory,
        every: int,
        interim: Interim | None = None,
    ) -> None:
        self.scorer, self.data, self.directory, self.every = scorer, data, directory, every
        self.interim = interim
        self.watched: Scorer = scorer if interim is None else interim
        self.final: dict[str, Any] = {}
        self.best: dict[str, Any] = {}
        self.protocol: dict[str, Any] = {}

    def state_dict(self) -> dict[str, Any]:
        return {"final": self.final, "best": self.best, "protocol": self.protocol}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.final, self.best = state_dict["final"], state_dict["best"]
        self.protocol = state_dict.get("protocol", {})  # a checkpoint of an earlier version has none

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record what the checkpoint knows: ``result.json`` may have been lost, and nothing be left to train."""
        if self.protocol and trainer.is_global_zero:
            self._record()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any, **__: Any) -> None:
        if is_due(trainer, self.every):
            check_finite(trainer, cast(AdversarialModule, pl_module))
            self.score(trainer, cast(AdversarialModule, pl_module))

    def score(self, trainer: L.Trainer, module: AdversarialModule) -> None:
        """Score the generator as it is now; every process takes part."""
        scorers = [self.watched]
        if self.interim is not None and trainer.global_step == trainer.max_steps:
            scorers.append(self.scorer)
        scores: dict[str, float] = {}
        sampler = module.sampler.followed_by(self.data.to_rows)
        for scorer in scorers:
            scores |= scorer.score(sampler, reference=self.data.reference())
        for logger in trainer.loggers:
            logger.log_metrics({f"score/{name}": value for name, value in scores.items()}, step=trainer.global_step)
        self.final = {**scores, "generator_step": trainer.global_step}
        self.protocol = whole_protocol(self.scorer, generator=module.sampled_generator, data=self.data.provenance)
        if self.interim is not None:
            self.protocol["interim_samples"] = self.interim.samples
        name = self.watched.monitor
        if not self.best or self._is_better(scores[name], self.best[name]):
            self.best = self.final
            trainer.save_checkpoint(self.directory.best, weights_only=True)
        if trainer.is_global_zero:
            self._record()

    def _record(self) -> None:
        self.directory.record(
            scores={
                "monitor": self.scorer.monitor,
                "watched": self.watched.monitor,
                "higher_is_better": self.scorer.higher_is_better,
                "final": self.final,
                "best": self.best,
                "protocol": self.protocol,
            }
        )

    def _is_better(self, score: float, other: float) -> bool:
        return score > other if self.scorer.higher_is_better else score < other


def whole_protocol(scorer: Scorer, *, generator: str, data: str) -> dict[str, Any]:
    """The scorer's protocol with the rest that a score depends on.

    Args:
        scorer: of the score.
        generator: whose samples are scored, in words: the module's ``sampled_generator``.
        data: relative to what, in words: the data module's ``provenance``.
    """
    return {**scorer.protocol(), "generator": generator, "data": data}
