package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"coffer.example/coffer/api"
	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

// configName is the configuration's file name.
const configName = "coffer.yaml"

// run runs one command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.tree()
	if len(args) > 1 && args[1] == completeCommand {
		for _, candidate := range complete(root, args[2:]) {
			fmt.Fprintln(a.out, candidate)
		}
		return exitDone
	}
	err := root.RunContext(ctx, reorder(root, args))
	if err != nil {
		a.report(err)
	}
	return exitCode(err)
}

// tree is the command line: every command, its flags and what runs it.
func (a *app) tree() *cli.App {
	root := &cli.App{
		Name:  "coffer",
		Usage: "follow the Bitcoin, Litecoin and Dogecoin chains through your own nodes, and account for every coin",
		Description: "Every command works with and without a running daemon: where one runs, it is asked; where not, the\n" +
			"command opens the data folder itself. Start with `coffer demo`, then `coffer init`.",
		UsageText: "coffer [--config FILE] [--json] COMMAND",
		Flags: []cli.Flag{
			&cli.StringFlag{
				Name: "config", Aliases: []string{"c"}, Destination: &a.configFile,
				Usage: "configuration `FILE` (default: $COFFER_CONFIG, ./coffer.yaml, then the user's config folder)",
			},
			&cli.BoolFlag{Name: "json", Usage: "write JSON instead of tables", Destination: &a.json},
		},
		Commands: []*cli.Command{
			a.demoCommand(), a.initCommand(), a.configCommand(), a.nodeConfigCommand(), a.doctorCommand(), a.daemonCommand(),
			a.importCommand(), a.importXpubCommand(), a.xpubCommand(), a.addressCommand(), a.rescanCommand(), a.balanceCommand(), a.utxosCommand(),
			a.historyCommand(), a.reserveCommand(), a.watchCommand(),
			a.blockCommand(), a.txCommand(), a.indexCommand(), a.snapshotCommand(), a.restoreCommand(), a.statusCommand(), a.completionCommand(), a.versionCommand(),
		},
		HideVersion: true, HideHelpCommand: true,
		Writer: a.out, ErrWriter: a.err,
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   usageError,
		Action:         a.noCommand,
	}
	a.prepare(root.Commands)
	return root
}

// prepare gives every command what all have in common.
func (a *app) prepare(commands []*cli.Command) {
	for _, command := range commands {
		command.OnUsageError = usageError
		command.HideHelpCommand = true
		if command.Action == nil && len(command.Subcommands) > 0 {
			command.Action = a.noCommand
		}
		a.prepare(command.Subcommands)
	}
}

// usageError words the flag package's errors like the others.
func usageError(c *cli.Context, err error, _ bool) error {
	if name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); unknown {
		return usagef("there is no flag --%s here; `%s --help` lists them", strings.TrimLeft(name, "-"), calledAs(c))
	}
	return usagef("%v", err)
}

// calledAs is the command as typed, "coffer" where it is none.
func calledAs(c *cli.Context) string {
	if c.Command == nil || c.Command.HelpName == "" {
		return c.App.Name
	}
	return c.Command.HelpName
}

// noCommand shows the help of a command that only has subcommands, or refuses a word that is none of them. With --json
// there is nothing to show: whoever reads it wants a document.
func (a *app) noCommand(c *cli.Context) error {
	if c.Args().Present() {
		return usagef("there is no command %q; `%s --help` lists them", c.Args().First(), c.Command.HelpName)
	}
	if a.json {
		return usagef("which command? `%s --help` lists them", calledAs(c))
	}
	if c.Command.Name == "" || c.Command == c.App.Command(c.Command.Name) && len(c.Lineage()) <= 2 {
		return cli.ShowAppHelp(c)
	}
	return cli.ShowSubcommandHelp(c)
}

// config finds and reads the configuration.
func (a *app) config() (*engine.Config, error) {
	file, err := a.findConfig()
	if err != nil {
		return nil, err
	}
	return engine.LoadConfig(file, a.env)
}

// findConfig returns what --config or COFFER_CONFIG names, or the first of the usual places that has one.
func (a *app) findConfig() (string, error) {
	if a.configFile != "" {
		return a.configFile, nil
	}
	if file, ok := a.env("COFFER_CONFIG"); ok && file != "" {
		return file, nil
	}
	places := []string{configName}
	if dir, err := os.UserConfigDir(); err == nil {
		places = append(places, filepath.Join(dir, "coffer", configName))
	}
	for _, place := range places {
		if _, err := os.Stat(place); err == nil {
			return place, nil
		}
	}
	return "", fmt.Errorf("looked for %s: %w", strings.Join(places, " and "), engine.ErrNoConfig)
}

// session is what a command works with: a daemon's client, or an engine of its own.
type session struct {
	engine.Operations
	// engine is nil where a daemon is asked.
	engine *engine.Engine
	config *engine.Config
	close  func() error
}

// open finds a running daemon, or opens the engine.
func (a *app) open(ctx context.Context) (*session, error) {
	config, err := a.config()
	if err != nil {
		return nil, err
	}
	client, err := api.Dial(ctx, config.Socket())
	if err == nil {
		return &session{Operations: client, config: config, close: func() error { client.Close(); return nil }}, nil
	}
	if !errors.Is(err, api.ErrNoDaemon) {
		return nil, err
	}
	opened, err := engine.Open(ctx, config, engine.Options{})
	if err != nil {
		return nil, err
	}
	return &session{Operations: opened, engine: opened, config: config, close: opened.Close}, nil
}

// with opens a session, does the work and closes it.
func (a *app) with(ctx context.Context, work func(*session) error) (err error) {
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return work(s)
}

// coinArg takes COIN off the arguments and returns it with the rest, of which there must be least to most.
func coinArg(c *cli.Context, least, most int) (coins.Symbol, []string, error) {
	args := c.Args().Slice()
	if len(args) == 0 {
		return "", nil, usagef("which coin? usage: %s", usageLine(c))
	}
	rest := args[1:]
	// An empty word is a script's variable that is not set: taken for "no address" it would answer for all of them.
	if slices.Contains(rest, "") {
		return "", nil, usagef("an argument is empty: is a variable not set? usage: %s", usageLine(c))
	}
	if len(rest) < least || len(rest) > most {
		return "", nil, usagef("usage: %s", usageLine(c))
	}
	return coins.Symbol(strings.ToLower(args[0])), rest, nil
}

func usageLine(c *cli.Context) string { return c.Command.HelpName + " " + c.Command.ArgsUsage }

// noArgs refuses arguments.
func noArgs(c *cli.Context) error {
	if c.Args().Present() {
		return usagef("%s takes no arguments, but got %q", c.Command.HelpName, c.Args().First())
	}
	return nil
}

// pageFlags are the flags of every list.
func pageFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "limit", Value: engine.DefaultPage, Usage: "at most `N` rows"},
		&cli.StringFlag{Name: "after", Usage: "go on after a page, with the `CURSOR` that it ended with"},
	}
}

func pageOf(c *cli.Context) (engine.Page, error) {
	limit := c.Int("limit")
	if limit < 1 || limit > engine.MaxPage {
		return engine.Page{}, usagef("--limit %d is not between 1 and %d", limit, engine.MaxPage)
	}
	return engine.Page{After: c.String("after"), Limit: limit}, nil
}

// more says on standard error how to get the next page, where there is one.
func (a *app) more(next string) {
	if next != "" && !a.json {
		fmt.Fprintf(a.err, "there is more: go on with --after %s\n", next)
	}
}

// show writes a document with --json, and otherwise lets tell write it for people.
func (a *app) show(document any, tell func()) {
	if a.json {
		writeJSON(a.out, document)
		return
	}
	tell()
}
