"""Markdown and LaTeX of one table."""

from hypnos_pipeline.reporting.table import Entry, Row, Table, escape_latex, to_latex, to_markdown

TABLE = Table(
    name="table_a_b",
    caption="Results of 50 % & more",
    label_headers=("Method", "Subject"),
    headers=("DINO ↑", "FID ↓"),
    blocks=(
        (
            Row(("HYPNOS_x (LR=1e-4)", "Chair"), (Entry("0.5000 ± 0.1000", bold=True), Entry("−1.0"))),
            Row(("HYPNOS_x (LR=1e-4)", "Robot|2"), (Entry(), Entry("2.0"))),
        ),
        (Row(("Base <model>", "Chair"), (Entry("0.1"), Entry("9"))),),
    ),
    number=7,
    warning="Careful.",
    notes=("Note with a_b and 5 %.",),
)


def test_markdown() -> None:
    assert to_markdown(TABLE) == (
        "**Table 7: Results of 50 % & more**\n"
        "\n"
        "Careful.\n"
        "\n"
        "| Method             | Subject  |              DINO ↑ | FID ↓ |\n"
        "| ------------------ | -------- | ------------------: | ----: |\n"
        "| HYPNOS_x (LR=1e-4) | Chair    | **0.5000 ± 0.1000** |  −1.0 |\n"
        "|                    | Robot\\|2 |                   – |   2.0 |\n"
        "|                    |          |                     |       |\n"
        "| Base &lt;model&gt; | Chair    |                 0.1 |     9 |\n"
        "\n"
        "- Note with a_b and 5 %.\n"
    )


def test_latex() -> None:
    lines = to_latex(TABLE).splitlines()
    assert r"\caption{Results of 50 \% \& more. Careful.}" in lines
    assert r"\label{tab:table-a-b}" in lines
    assert r"\begin{tabular}{llrr}" in lines
    assert r"Method & Subject & DINO $\uparrow$ & FID $\downarrow$ \\" in lines
    assert r"HYPNOS\_x (LR=1e-4) & Chair & \textbf{0.5000 $\pm$ 0.1000} & $-$1.0 \\" in lines
    assert r" & Robot|2 & -- & 2.0 \\" in lines
    assert r"Base \textless{}model\textgreater{} & Chair & 0.1 & 9 \\" in lines
    assert lines.count(r"\midrule") == 2  # below the header, above the reference


def test_latex_environments_and_braces_balance() -> None:
    text = to_latex(TABLE)
    opened = [line for line in text.splitlines() if line.startswith(r"\begin")]
    assert len(opened) == text.count(r"\end{")
    plain = text.replace(r"\{", "").replace(r"\}", "")
    assert plain.count("{") == plain.count("}")
    assert all(ord(character) < 128 for character in text)


def test_latex_escapes_every_special_character() -> None:
    assert escape_latex("a_b & 5% #1 $x {y} ~ ^ \\") == (
        r"a\_b \& 5\% \#1 \$x \{y\} \textasciitilde{} \textasciicircum{} \textbackslash{}"
    )
