"""For the learner alone: nbgrader's Validate button in JupyterLab, and `check()` in a cell."""

import json
import re

import pytest
from test_jupyterlab import browser, lab, model, page, run_all  # noqa: F401, fixtures

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NAME = "ex01_from_scores_to_maps"
WRONG = """def class_scores(feature_maps, class_weights, bias, valid):
    inside = valid[..., None]
    return (feature_maps * inside).sum(axis=(1, 2)) / inside.sum(axis=(1, 2)) @ class_weights
"""
MESSAGE = "the bias is missing"


@pytest.fixture
def exercise(lab, page):  # noqa: F811
    """Exercise 1 open in JupyterLab, with one wrong answer in it, saved."""
    page.goto(f"{lab}/lab/tree/exercises/{NAME}/{NAME}.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    page.evaluate(
        """async wrong => {
        const app = window.jupyterapp; await app.restored;
        const panel = app.shell.currentWidget; await panel.sessionContext.ready;
        for (const cell of panel.content.model.cells)
            if (cell.getMetadata('nbgrader')?.grade_id === 'class_scores') cell.sharedModel.setSource(wrong);
        await panel.context.save();
    }""",
        WRONG,
    )
    return page


def test_the_validate_button_shows_what_failed(exercise):
    button = (
        exercise.locator(".jp-Toolbar button, .jp-Toolbar jp-button")
        .filter(has_text=re.compile("Validate"))
        .first
    )
    button.wait_for(timeout=30_000)
    button.click()
    dialog = exercise.locator(".jp-Dialog")
    dialog.filter(has_text="class_scores_test").or_(dialog.filter(has_text=MESSAGE)).first.wait_for(
        timeout=120_000
    )
    assert MESSAGE in dialog.first.inner_text()
    assert not exercise.complaints and not exercise.outside


@pytest.mark.long
def test_check_in_a_cell_shows_the_same(exercise):
    exercise.evaluate("""async () => {
        const app = window.jupyterapp, panel = app.shell.currentWidget;
        const cells = panel.content.model.sharedModel;
        cells.insertCell(cells.cells.length, {cell_type: 'code', source: 'from course_utils.grading import check\\ncheck()'});
        await panel.context.save();
        for (let i = 0; i < cells.cells.length; i++) {  // one by one: running all stops at the first stub
            panel.content.activeCellIndex = i;
            await app.commands.execute('notebook:run-cell');
        }
    }""")
    for _ in range(60):
        said = json.dumps(
            model(exercise, "cells.filter(c => c.cell_type === 'code').at(-1).outputs"), ensure_ascii=False
        )
        if "score_from_test" in said:
            break
        exercise.wait_for_timeout(500)
    assert "✗ class_scores_test: " in said and MESSAGE in said
