"""The `kit` command: make the invented city, take in a dump, walk the notebooks.

Every mistake a user can make ends in one sentence on standard error and exit code 2.
"""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from kit.errors import InputError, KitError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Retrace: how people in a leaked camera log are re-identified, and what would have prevented it.")
ingest_app = typer.Typer(no_args_is_help=True, help="Turn a raw dump into a sanitised exposure.")
app.add_typer(ingest_app, name="ingest")

OutFolder = Annotated[Path, typer.Option("--out", help="A new or empty folder.")]


def main():
    """Run the command line; a mistake, or a file the system refuses, becomes a sentence and exit code 2."""
    try:
        app()
    except KitError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        print(f"The file or folder {error.filename} cannot be used ({error.strerror}); check that it may be read and "
              "written, and that the disk has room.", file=sys.stderr)
        raise SystemExit(2) from None


@app.command()
def city(
    exposure: Annotated[str, typer.Option(help="register, community or fusion.")],
    out: OutFolder,
    people: Annotated[int | None, typer.Option(help="How many people; default is the sample's number.")] = None,
    days: Annotated[int | None, typer.Option(help="How many days; default is the sample's number.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another population; the streets stay.")] = 0,
):
    """Let an invented city leak: write one exposure's raw dump, with its truth beside it."""
    from kit.city import leaks

    with _progress() as progress:
        counts = leaks.write_dump(exposure, people, days, seed, out, progress=progress)
    for file, records in counts.items():
        print(f"{file}: {records:,} records")
    print(f"Written to {out}")


@ingest_app.command("run")
def ingest_run(
    dump: Annotated[Path, typer.Argument(help="The dump's folder.")],
    recipe: Annotated[str, typer.Option(help="register, community, fusion, or a recipe file (TOML).")],
    out: OutFolder,
    key: Annotated[Path | None, typer.Option(
        help="The case's private folder, where a key is made on first use, or a file with one; without it the demo "
             "key, for the invented city only.")] = None,
):
    """Sanitise a dump: pseudonyms for identifiers, labels tallied and dropped, every record accounted for."""
    from kit import ingest

    secret = ingest.DEMO_KEY if key is None else _read_key(key)
    with _progress() as progress:
        report = ingest.sanitize(dump, recipe, secret, out, progress=progress)
    for source in report.sources:
        print(f"{source.name}: {source.rows_in:,} in, {source.rows_kept:,} kept, "
              f"{source.rows_quarantined:,} quarantined")
    print(f"Written to {out}")


@ingest_app.command("draft")
def ingest_draft(
    dump: Annotated[Path, typer.Argument(help="The dump's folder, or one file of it.")],
    out: Annotated[Path | None, typer.Option("--out", help="A new file; without it the recipe is printed.")] = None,
):
    """Look at a sample of a dump and write a first recipe: what each field seems to be, what to do with it, and why."""
    from kit import ingest

    if out is not None and out.exists():
        raise InputError(f"The file {out} is there already; choose a new one, so that nothing is overwritten.")
    text = ingest.draft_recipe(dump).text
    if out is None:
        print(text, end="")
        return
    with open(out, "x", encoding="utf-8", newline="\n") as file:
        file.write(text)
    print(f"Written to {out}; read every line of it, then try it with kit ingest check.")


@ingest_app.command("check")
def ingest_check(
    dump: Annotated[Path, typer.Argument(help="The dump's folder.")],
    recipe: Annotated[str, typer.Option(help="register, community, fusion, or a recipe file (TOML).")],
    tz: Annotated[str | None, typer.Option(help="Clock of times without a zone, such as Asia/Shanghai.")] = None,
):
    """Try a recipe on the first records of each file: before and after, field by field, as shapes and never values."""
    from kit import ingest

    tried = ingest.check(dump, recipe, tz)
    print(tried.to_string(index=False))
    for source, found in tried.attrs["quarantine"].items():
        print(f"{source}: {found['records']:,} records of the sample, {sum(found['reasons'].values()):,} to quarantine")
        for reason, count in found["reasons"].items():
            print(f"  {count:,} with {reason}")
    for field in tried.attrs["refused"]:
        print(f"{field} is filled, and refused: the run would stop there.")


@app.command()
def scan(
    path: Annotated[Path, typer.Argument(help="A file or a folder: a dump, an exposure, pages.")],
    region: Annotated[str, typer.Option(help="Country (two letters) of telephone numbers without its code.")] = "CN",
    fail_on: Annotated[str, typer.Option(help="Least grade that makes exit code 1: valid, shape, behaves.")] = "valid",
):
    """Look for identifiers that are still there; say where and how many, never which.

    Ends with 0 if nothing of the grade was found, with 1 if something was, with 2 if it could not look.
    """
    from kit import ingest
    from kit.ingest.kinds import GRADES

    if fail_on not in GRADES:
        raise InputError(f"--fail-on knows {', '.join(GRADES)}; give one of them.")
    with _progress() as progress:
        found = ingest.scan(path, region, progress=progress)
    print(found.to_string(index=False) if len(found) else "Nothing that looks or behaves like an identifier.")
    counted = found["grade"].isin(GRADES[: GRADES.index(fail_on) + 1])
    print(f"{int(found.loc[counted, 'count'].sum()):,} cells with identifiers of grade {fail_on} or surer.")
    if (found["grade"] == "unread").any():
        print("Some files could not be read, so this says nothing of them: unpack or convert them.", file=sys.stderr)
    raise typer.Exit(int(counted.any()))


@app.command()
def samples(
    out: OutFolder = Path("sample_data"),
    seed: Annotated[int, typer.Option(help="Seed of the committed samples is 0.")] = 0,
):
    """Make the sample data again, from the seed."""
    from kit.samples import build_samples

    with _progress() as progress:
        build_samples(out, seed, progress=progress)
    print(f"Written to {out}")


@app.command()
def walk(
    notebooks: Annotated[Path, typer.Option(help="Folder of notebooks.")] = Path("notebooks"),
    out: Annotated[Path, typer.Option("--out", help="Where the pages go.")] = Path("out"),
):
    """Execute the notebooks on the sample data and write pages that open without a network."""
    from kit.walk import walk as walk_notebooks

    with _progress() as progress:
        index = walk_notebooks(notebooks, out, progress=progress)
    print(f"The pages are in {out.resolve()}; open {index.resolve()} in a browser.")


def _read_key(file):
    """A folder's own key, made on first use, or a file's. A file that is not there is a mistake: a new key would unlink
    what an older one has linked."""
    from kit.ingest import case_key

    if file.is_dir():
        return case_key(file)
    try:
        return file.read_bytes()
    except OSError:
        raise InputError(f"The key file {file} cannot be read; give the case's private folder and "
                         "one is made there, or leave --key away for the invented city.") from None


@contextmanager
def _progress():
    """A bar for each stage; plain lines where standard error is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bars = {}
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                  console=Console(stderr=True)) as progress:

        def report(stage, done, total):
            if stage not in bars:
                bars[stage] = progress.add_task(stage, total=total)
            progress.update(bars[stage], completed=done, total=total)

        try:
            yield report
        except KeyboardInterrupt:
            progress.stop()
            print("Stopped. Nothing was left half written; an ingest that is run again goes on from there.",
                  file=sys.stderr)
            raise
