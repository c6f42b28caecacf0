"""What is learned from, and what says when to stop."""

from __future__ import annotations

from typing import NamedTuple

from models.training.lesson import Batch, Lesson


class Material(NamedTuple):
    """Series to learn from, and windows of other subjects to watch."""

    lesson: Lesson
    unseen: Batch

    def to(self, device: str) -> Material:
        """Move all of it to a device."""
        lesson = self.lesson._replace(
            frames=self.lesson.frames.to(device), labels=self.lesson.labels.to(device)
        )
        return Material(lesson, Batch(*(each.to(device) for each in self.unseen)))
