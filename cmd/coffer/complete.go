package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"coffer.example/coffer/engine"
)

// completeCommand is what the shells' scripts call with the words typed so far. It is not shown to people.
const completeCommand = "__complete"

func (a *app) completionCommand() *cli.Command {
	shell := func(name, script, install string) *cli.Command {
		return &cli.Command{
			Name: name, Usage: install,
			Action: func(c *cli.Context) error {
				if err := noArgs(c); err != nil {
					return err
				}
				a.show(map[string]string{"shell": name, "script": script}, func() { fmt.Fprint(a.out, script) })
				return nil
			},
		}
	}
	return &cli.Command{
		Name: "completion", Usage: "print the completion script for a shell",
		Subcommands: []*cli.Command{
			shell("bash", bashCompletion, "source <(coffer completion bash)"),
			shell("zsh", zshCompletion, "source <(coffer completion zsh)"),
			shell("fish", fishCompletion, "coffer completion fish | source"),
		},
	}
}

const bashCompletion = `_coffer() {
    local line
    COMPREPLY=()
    while IFS='' read -r line; do COMPREPLY+=("$line"); done < <(coffer __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    if [ "${#COMPREPLY[@]}" -eq 0 ]; then COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")); fi
}
complete -F _coffer coffer
`

const zshCompletion = `#compdef coffer
_coffer() {
    local -a candidates
    candidates=("${(@f)$(coffer __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$candidates" ]]; then compadd -a candidates; else _files; fi
}
compdef _coffer coffer
`

const fishCompletion = `complete -c coffer -f -a '(coffer __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`

// complete returns what the last of words can become: a command, a flag or a coin. The words are those after "coffer".
func complete(root *cli.App, words []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	level, flags := root.Commands, root.Flags
	var command *cli.Command
	arguments := 0
	for i := 0; i < len(words)-1; i++ {
		if strings.HasPrefix(words[i], "-") {
			flag := flagNamed(slices.Concat(flags, root.Flags), words[i])
			if _, isBool := flag.(*cli.BoolFlag); flag != nil && !isBool && !strings.Contains(words[i], "=") {
				if i++; i == len(words)-1 {
					return nil // the flag's value: the shell's files
				}
			}
			continue
		}
		if next := commandNamed(level, words[i]); next != nil && arguments == 0 {
			command, level, flags = next, next.Subcommands, next.Flags
		} else {
			arguments++
		}
	}
	if strings.HasPrefix(last, "-") {
		return withPrefix(flagNames(slices.Concat(flags, root.Flags)), last)
	}
	var candidates []string
	if arguments == 0 {
		for _, next := range level {
			candidates = append(candidates, next.Name)
		}
		if command != nil && strings.HasPrefix(strings.TrimPrefix(command.ArgsUsage, "["), "COIN") {
			for _, symbol := range engine.Symbols() {
				candidates = append(candidates, string(symbol))
			}
		}
	}
	return withPrefix(candidates, last)
}

func flagNames(flags []cli.Flag) (names []string) {
	for _, flag := range flags {
		names = append(names, "--"+flag.Names()[0])
	}
	return append(names, "--help")
}

func withPrefix(candidates []string, prefix string) []string {
	return slices.DeleteFunc(candidates, func(candidate string) bool { return !strings.HasPrefix(candidate, prefix) })
}
