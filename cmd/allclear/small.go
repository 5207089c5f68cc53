package main

import (
	"crypto/rand"
	"fmt"
	"runtime/debug"
)

// tokenCmd makes an API token.
type tokenCmd struct{}

func (tokenCmd) Run(e *env) error {
	_, err := fmt.Fprintf(e.out, `token   %s

The operator uses it as ALLCLEAR_TOKEN. The server needs it too: in the environment variable that
token_env of this operator names in the configuration, or in the file that token_file names.
It is shown only now; the server keeps its SHA-256.
`, rand.Text())
	return err
}

// counted is a number of things: 1 line, 2 lines.
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprint(n, " ", thing)
}

// versionCmd prints the version.
type versionCmd struct{}

func (versionCmd) Run(e *env) error {
	_, err := fmt.Fprintln(e.out, "allclear", version())
	return err
}

// version is the module's version, with the commit of a build from source.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && v == "(devel)" {
			v += " " + s.Value[:min(12, len(s.Value))]
		}
	}
	return v
}
