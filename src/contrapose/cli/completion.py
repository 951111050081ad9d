"""`contrapose completion SHELL`: a script that completes commands, methods, options and their choices, else file names.

tyro could write one, but for a single tree of its own sub-commands: our commands of two words, `train` without a method
and the names of files and folders would be missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from contrapose.cli.flags import Flag, flags_of
from contrapose.errors import ArgumentError, did_you_mean

SHELLS = ("bash", "zsh", "fish")

HELP = """\
usage: contrapose completion bash|zsh|fish

Print a script that completes commands, methods, options and their choices with the Tab key.

  bash   echo 'eval "$(contrapose completion bash)"' >> ~/.bashrc
  zsh    echo 'eval "$(contrapose completion zsh)"' >> ~/.zshrc
  fish   contrapose completion fish > ~/.config/fish/completions/contrapose.fish"""


def script(shell: str, *more: str, commands: Sequence[str]) -> str:
    """The script for this shell.

    Errors:
        ArgumentError: another shell, or more than one.
    """
    if shell not in SHELLS:
        raise ArgumentError(f"No completion for the shell {shell!r}.{did_you_mean(shell, SHELLS)}")
    if more:
        raise ArgumentError(f"One shell at a time: contrapose completion {shell}.")
    return _fish(tree(commands)) if shell == "fish" else _bash(tree(commands), shell)


def print_script(words: Sequence[str], commands: Sequence[str]) -> None:
    """What the command does: the script, or how it is asked for."""
    asked = not words or words[0] in ("-h", "--help")
    print(HELP if asked else script(*words, commands=commands))


Tree = dict[tuple[str, ...], tuple[tuple[str, ...], tuple[Flag, ...]]]
"""The words typed so far -> the words that may follow, and the flags."""


def options_of_commands() -> dict[tuple[str, ...], Any]:
    """The dataclass that each command but `train` reads its words into."""
    from contrapose.commands import claim_options, options
    from contrapose.commands.analyse import AnalyseTemperatureOptions
    from contrapose.commands.analyse_backdoor import AnalyseBackdoorOptions
    from contrapose.commands.analyse_controllability import AnalyseControllabilityOptions
    from contrapose.commands.analyse_patch import AnalysePatchOptions
    from contrapose.commands.analyse_perturbation import AnalysePerturbationOptions
    from contrapose.commands.analyse_sharpness import AnalyseSharpnessOptions
    from contrapose.commands.analyse_suppression import AnalyseSuppressionOptions
    from contrapose.commands.analyse_translation import AnalyseTranslationOptions
    from contrapose.commands.data_check import DataCheckOptions
    from contrapose.commands.export import ExportOptions
    from contrapose.commands.pack import PackOptions
    from contrapose.commands.poison import PoisonOptions
    from contrapose.commands.report import ReportOptions
    from contrapose.commands.search import SearchOptions

    return {
        ("evaluate",): options.EvaluateOptions,
        ("compare",): options.CompareOptions,
        ("embed",): options.EmbedOptions,
        ("pack",): PackOptions,
        ("poison",): PoisonOptions,
        ("apply",): options.ApplyOptions,
        ("calibrate",): options.CalibrateOptions,
        ("search",): SearchOptions,
        ("report",): ReportOptions,
        ("export",): ExportOptions,
        ("data", "check"): DataCheckOptions,
        ("analyse", "temperature"): AnalyseTemperatureOptions,
        ("analyse", "patch"): AnalysePatchOptions,
        ("analyse", "sharpness"): AnalyseSharpnessOptions,
        ("analyse", "suppression"): AnalyseSuppressionOptions,
        ("analyse", "translation"): AnalyseTranslationOptions,
        ("analyse", "perturbation"): AnalysePerturbationOptions,
        ("analyse", "controllability"): AnalyseControllabilityOptions,
        ("analyse", "backdoor"): AnalyseBackdoorOptions,
        ("reproduce",): claim_options.ReproduceOptions,
        ("claims",): claim_options.ClaimsOptions,
    }


def tree(commands: Sequence[str]) -> Tree:
    """Everything that can be typed."""
    from contrapose.commands.options import ResumeOptions
    from contrapose.methods import DEFAULT_METHOD, METHODS, VERBS, methods_of

    kinds = options_of_commands()
    found: Tree = {(): ((*commands, "--help", "--version", "--debug"), ()), ("completion",): (SHELLS, ())}
    for first in {words[0] for words in kinds if len(words) == 2}:
        found[first,] = (tuple(words[1] for words in kinds if words[0] == first), ())
    found |= {words: ((), flags_of(kind)) for words, kind in kinds.items()}
    for verb in VERBS:
        usual = [METHODS[DEFAULT_METHOD]] if verb == "train" else []
        found[verb,] = (methods_of(verb), _joined(*usual, ResumeOptions))
    for name, method in METHODS.items():
        found[method.verb, name] = ((), flags_of(method))
    return found


def _joined(*kinds: Any) -> tuple[Flag, ...]:
    return tuple({flag.name: flag for kind in kinds for flag in flags_of(kind)}.values())


def _bash(known: Tree, shell: str) -> str:
    """For bash, and for zsh through its own emulation of it."""
    words, choices = [], []
    shared: dict[str, str] = {}
    for typed, (following, flags) in known.items():
        names = " ".join([*following, *(name for flag in flags for name in flag.names), *(["--help"] if typed else [])])
        variable = shared.setdefault(names, f"_contrapose_{len(shared)}")  # methods have most options in common
        words.append(f'        "{" ".join(typed)}") words=${variable} ;;')
        choices += [
            f'    "{" ".join(typed)} {flag.name}") words="{" ".join(flag.choices)}" ;;'
            for flag in flags
            if flag.choices
        ]
    lists = "\n".join(f"{variable}='{names}'" for names, variable in shared.items())
    paths = " ".join("/".join(typed) for typed in known)
    start = "autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    return _BASH.format(start=start, paths=paths, lists=lists, words="\n".join(words), choices="\n".join(choices))


_BASH = """\
# Completion of contrapose, made by `contrapose completion`.
{start}_contrapose_paths='{paths}'
{lists}
_contrapose() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" typed="" words="" files="" word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$word" in -*) break ;; esac
    case " $_contrapose_paths " in *" ${{typed:+$typed/}}$word "*) typed="${{typed:+$typed/}}$word" ;; *) break ;; esac
  done
  typed="${{typed//\\// }}"
  case "$typed $before" in
{choices}
    *)
      case "$before:$current" in -*:|-*:[!-]*) ;; *)
        case "$typed" in
{words}
        esac ;;
      esac
      case "$current" in -*) ;; *) files=yes ;; esac ;;
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -X '-*' -- "$current")) ;;
  esac
  if [ -n "$files" ]; then
    compopt -o filenames 2>/dev/null  # zsh's emulation has no compopt
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
  fi
}}
complete -F _contrapose contrapose"""


def _fish(known: Tree) -> str:
    return "\n".join(["# Completion of contrapose, made by `contrapose completion`.", *_fish_lines(known)])


def _fish_lines(known: Tree) -> Iterator[str]:
    for typed, (following, flags) in known.items():
        seen = [f"__fish_seen_subcommand_from {word}" for word in typed] or ["__fish_use_subcommand"]
        if following and typed:
            seen.append(f"not __fish_seen_subcommand_from {' '.join(following)}")
        start = f"complete -c contrapose -n '{'; and '.join(seen)}'"
        if words := [word for word in following if not word.startswith("-")]:
            yield f"{start} -a '{' '.join(words)}'"
        for flag in flags:
            values = f" -x -a '{' '.join(flag.choices)}'" if flag.choices else "" if flag.switch else " -r"
            if not flag.positional:
                yield f"{start} -l {flag.name.removeprefix('--')}{values}"
