package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// reorder brings flags before arguments, because the cli library takes a flag after an argument for an argument, and
// brings global flags before the command, so that both stand anywhere. What follows "--" stays as it is.
func reorder(root *cli.App, args []string) []string {
	if len(args) == 0 {
		return args
	}
	var global, words, flags, arguments, verbatim []string
	level, known := root.Commands, []cli.Flag(nil)
	for i := 1; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			verbatim = args[i:]
			break
		}
		if arg == "-" || !strings.HasPrefix(arg, "-") {
			command := commandNamed(level, arg)
			if command == nil || len(arguments) > 0 {
				arguments = append(arguments, arg)
				continue
			}
			level, known = command.Subcommands, command.Flags
			words, flags = slices.Concat(words, flags, []string{arg}), nil
			continue
		}
		into := &flags
		flag := flagNamed(known, arg)
		if flag == nil {
			if flag = flagNamed(root.Flags, arg); flag != nil {
				into = &global
			}
		}
		*into = append(*into, arg)
		if _, isBool := flag.(*cli.BoolFlag); flag != nil && !isBool && !strings.Contains(arg, "=") && i+1 < len(args) {
			i++
			*into = append(*into, args[i])
		}
	}
	return slices.Concat(args[:1], global, words, flags, arguments, verbatim)
}

func commandNamed(commands []*cli.Command, name string) *cli.Command {
	for _, command := range commands {
		if command.HasName(name) {
			return command
		}
	}
	return nil
}

func flagNamed(flags []cli.Flag, arg string) cli.Flag {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	for _, flag := range flags {
		if slices.Contains(flag.Names(), name) {
			return flag
		}
	}
	return nil
}
