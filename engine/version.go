package engine

import "runtime/debug"

// Version returns the version of this build: the module's where it was built from one, else the commit.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	const short = 12
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= short {
			return setting.Value[:short]
		}
	}
	return "development"
}
