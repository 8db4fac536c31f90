package dockerfile

import (
	"errors"
	"fmt"
	"slices"
)

// why is a reason for which a RUN that calls scripts stays one step: the format of what is said of it. Its first value
// is as a rule the place, or the name of what is at fault.
type why string

// The reasons that a driver's text gives.
const (
	sourcesFile       why = "%s sources %s"
	sourcesUnknown    why = "%s sources %s, which is known only when it runs"
	sourcesChanging   why = "%s sources %s, which may change the %s that its scripts get"
	sourcesMaybe      why = "%s sources %s under a condition that is decided when it runs"
	givesSetting      why = "%s gives %s the variable %s, which a file of the system may have changed"
	changesOptions    why = "%s changes the shell's options (%s)"
	exportsFunction   why = "%s exports the function %s"
	exportsValue      why = "%s exports %s, whose value is known only when it runs"
	unsets            why = "%s unsets %s"
	mayEnd            why = "%s may end it early"
	maySkip           why = "%s may skip a script"
	setsTrap          why = "%s sets a trap"
	redirects         why = "%s redirects all output"
	inBackground      why = "%s runs something in the background"
	writesBetween     why = "%s writes %s between its scripts"
	runsBetween       why = "%s runs %s between its scripts"
	runsWithUnknown   why = "%s runs %s between its scripts, with arguments that are known only when it runs"
	unknownCommand    why = "%s runs a command whose name is known only when it runs"
	unknownScript     why = "%s runs %s, whose name is known only when it runs"
	unknownFiles      why = "%s runs %s, whose files are not all known"
	missingScript     why = "%s runs %s, which is not among the copied files"
	inLoop            why = "%s runs %s in a loop, how often is known only when it runs"
	underCondition    why = "%s runs %s under a condition that is decided when it runs"
	scriptBeside      why = "%s runs %s in the background"
	piped             why = "%s pipes the output of %s"
	byEval            why = "%s runs %s by eval"
	throughProgram    why = "%s runs %s through another program"
	unknownDirectory  why = "%s runs %s in a directory that is known only when it runs"
	noInterpreter     why = "%s has no #! line that works"
	unknownArguments  why = "%s gives %s arguments that are known only when it runs"
	looksAtFailure    why = "%s decides what to do if %s fails"
	goesOn            why = "%s goes on when %s fails (it has no set -e)"
	callsCopied       why = "%s calls %s, which was copied into the search path"
	tooLarge          why = "%s is too large to follow"
	unparsed          why = "%s cannot be parsed"
	notExecutable     why = "%s is not executable"
	notShell          why = "%s is not a shell script"
	sourcesScripts    why = "%s sources %s and others, which share one shell"
	drivesInShell     why = "its line runs %s in a shell that it does not leave"
	oneScript         why = "%s does not run several scripts"
	byMake            why = "%s decides by the times of files which scripts it runs"
	notFromTheContext why = "%s is no file of the build context, or was changed since it was copied"
)

// The reasons that lie in what the scripts do.
const (
	hardLinked     why = "%s makes hard links, which end when a later step writes to one of them"
	mounts         why = "%s mounts a file system"
	endsWithStep   why = "%s uses %s, which does not outlive a step"
	leavesProgram  why = "%s leaves %s running"
	worksBeside    why = "%s: %s works in %s, and may change %s before it runs"
	changesLater   why = "%s changes %s, or what is beside it, before it runs"
	removesStart   why = "%s takes away %s, and a later one goes on there"
	makesOpaque    why = "%s changes what a later one needs"
	imageHas       why = "the image has %s beside the copied files, which %s asks for"
	imageMayHave   why = "whether the image has %s beside the copied files, only a build can tell"
	changedByOther why = "%s, which runs before it, may change %s"
)

// The reasons that lie in the Dockerfile.
const (
	runsAsUser      why = "%s runs it as %s"
	hasPlatform     why = "%s gives its stage a --platform"
	readByShells    why = "%s sets %s, which names a file that every shell reads first"
	onbuildBelow    why = "%s has ONBUILD, in the stage that it builds on"
	onbuildAbove    why = "%s has ONBUILD, and comes before it"
	shellBetween    why = "%s has SHELL, between CMD and it"
	unknownWorkdir  why = "its working directory is not known"
	unreadShell     why = "its SHELL is not one that is read"
	forNoShell      why = "its text is for no shell of the image"
	emptyTmpfs      why = "its tmpfs at %s would be empty for each step"
	writableMount   why = "what a step writes to its mount of %s would be gone for the next"
	mountLookedInto why = "%s may look into its mount of %s"
	mountNeeded     why = "it looks into its mount of %s"
	mountHolds      why = "its mount of %s holds what one step leaves for the next"
	moreThanRun     why = "its line does more than run %s"
	noChain         why = "its line does more than run commands one after another"
	sharesState     why = "its line sets what is known only when it runs, or may end early"
)

// reason is what there is to say of a why.
type reason struct {
	why why
	// example are values for its format.
	example []any
	// because tells why that keeps a RUN whole, lifts is the smallest edit that ends
	// it, as a command.
	because, lifts string
}

// says is the reason as it is told of the example.
func (r reason) says() string { return fmt.Sprintf(string(r.why), r.example...) }

// reasons are all that keeps a RUN whole which calls scripts: what a build, plan,
// check and graph tell of it, and docs/dockerfile.md.
func reasons() []reason {
	of := func(values ...any) []any { return values }
	const (
		stream = "steps share no streams; `a.sh | tee log` is a step"
		ended  = "what follows it may not run"
		guess  = "it may be any script"
		mount  = "write to a directory of the image in place of the mount"
		name   = "write its name out"
		script = "let one of the scripts do it"
		own    = "copy the scripts to a directory of your own"
	)
	return []reason{
		{sourcesFile, of("all.sh:3", "/etc/profile"), "the file is the image's: nobody knows what it sets. `/etc/os-release` and `/etc/lsb-release` only set variables of their own, so they keep nothing whole", "source it in the script that needs it"},
		{sourcesUnknown, of("all.sh:3", `"$LIB"`), "it may set anything", "write its path out"},
		{sourcesChanging, of("all.sh:3", "/etc/os-release", "VERSION"), "a variable that is exported changes with it", "give your variable another name"},
		{sourcesMaybe, of("all.sh:3", "/etc/os-release"), "whether its variables are set depends on the image", "source it without a condition, or behind a test that it is there"},
		{givesSetting, of("all.sh:5", "a.sh", "VERSION"), "its value is known only when it runs", "give your variable another name"},
		{changesOptions, of("all.sh:3", "umask 077"), "`umask` or `set +e` would have to be repeated", "set them in the scripts"},
		{exportsFunction, of("all.sh:3", "log()"), "a step begins without functions", "define it in a file that the scripts source"},
		{exportsValue, of("all.sh:3", "VERSION"), "a later script reads it", "write the value out, make it an `ARG`, or let the script find it"},
		{unsets, of("all.sh:3", "PATH"), "a step has it again", "unset it in the scripts"},
		{mayEnd, of("all.sh:3"), ended, "test an `ARG`, or end it by a status that is not 0"},
		{maySkip, of("all.sh:3"), ended, "test an `ARG`, or move the test into the script"},
		{setsTrap, of("all.sh:3"), "a signal is ignored, or nobody can read what the trap does; one that only prints keeps nothing whole", "let it only print, or leave it out"},
		{redirects, of("all.sh:3"), stream, "write `| tee log` behind each script"},
		{inBackground, of("all.sh:3"), "it ends with its step", "leave out the `&`"},
		{scriptBeside, of("all.sh:3", "a.sh"), "it ends with its step", "leave out the `&`"},
		{writesBetween, of("all.sh:3", "/log"), "the driver itself is no step", script},
		{runsBetween, of("all.sh:3", "rm"), "it stands in a condition, a loop, a trap or a pipe, or what it fails with is asked for: it cannot be repeated", script},
		{runsWithUnknown, of("all.sh:3", "mkdir"), "it cannot be repeated", script},
		{unknownCommand, of("all.sh:3"), guess + ": `$command`, or `eval` of a variable", name},
		{unknownScript, of("all.sh:3", `"$1"`), guess, name},
		{unknownFiles, of("all.sh:3", "/opt/*.sh"), "the image may have files there, or which come first depends on the locale", own + ", with numbers in front of their names"},
		{missingScript, of("all.sh:3", "/setup/a.sh"), "it fails, or an earlier step made it", "copy it, or leave the call out"},
		{inLoop, of("all.sh:3", "a.sh"), "such as `for i in $(seq 3)`", "write the list out: `for i in 1 2 3`"},
		{underCondition, of("all.sh:3", "a.sh"), "whether it runs depends on the image", "test an `ARG`, or move the condition into the script"},
		{piped, of("all.sh:3", "a.sh"), stream, "write `| tee log` behind it, or let the script pipe it"},
		{byEval, of("all.sh:3", "a.sh"), "what else `eval` does is known only when it runs", "call it without `eval`"},
		{throughProgram, of("all.sh:3", "a.sh"), "such as `timeout` or `sudo`; `nice`, `ionice`, `time` and `env A=1` stay in front of it", "call the program in the script"},
		{unknownDirectory, of("all.sh:3", "a.sh"), "a step has to begin there", "write the directory out"},
		{noInterpreter, of("a.sh:1"), "it runs in the shell of its caller", "begin it with `#!/bin/sh`, and end its lines as Unix does"},
		{unknownArguments, of("all.sh:3", "a.sh"), "a step's command is written before it runs", "write them out, make them an `ARG`, or let the script find them"},
		{looksAtFailure, of("all.sh:3", "a.sh"), "a step that fails ends the build", "leave it to `set -e`, or write `|| exit 1`"},
		{goesOn, of("all.sh:3", "a.sh"), "a step that fails ends the build", "write `set -e` at its start"},
		{callsCopied, of("all.sh:3", "tool"), "which program it is depends on the search path", "call it by its path"},
		{tooLarge, of("all.sh"), "it makes more calls than are followed", "let other scripts run a part of them"},
		{unparsed, of("a.sh:7"), "nobody knows what it does", "mend it: `pgstrata check` tells what is wrong"},
		{notExecutable, of("all.sh"), "it fails", "make it executable"},
		{notShell, of("all.py"), "which scripts it runs is not read", "run its scripts from a shell script"},
		{sourcesScripts, of("all.sh:3", "a.sh"), "one of them may read what another one has set", "run them as programs: `sh a.sh`"},
		{drivesInShell, of("a.sh"), "such as `. all.sh`, or `bash -c 'a.sh; b.sh'`", "run `all.sh` as a program, or join the commands by `&&`"},
		{oneScript, of("all.sh"), "there is nothing to take apart", "let it run a script for each part that takes long"},
		{byMake, of("Makefile"), "the times of files in the image are known only when it runs", "run the scripts from a shell script"},
		{notFromTheContext, of("/opt/all.sh"), "it is not read", "copy it from the build context, below what changes it"},

		{hardLinked, of("a.sh:3"), "a step that writes to one of the names parts them", "make symbolic links"},
		{mounts, of("a.sh:3"), "it is gone in the next step", "run that script in a `RUN` of its own"},
		{endsWithStep, of("a.sh:3", "/dev/shm/x"), "it is empty in the next step", "use a directory of the image"},
		{leavesProgram, of("a.sh:3", "pg_ctl"), "a server ends with its step", "stop it in the script that starts it"},
		{worksBeside, of("all.sh:3", "pip3", "/setup", "b.sh"), "it may write to its directory", "call the scripts by absolute paths, without `cd` and `WORKDIR`"},
		{changesLater, of("all.sh:3", "b.sh"), "the step would run what was copied", "write to another directory"},
		{removesStart, of("all.sh:3", "/setup"), "a step cannot start in a directory that is gone", "write `cd /` before it"},
		{makesOpaque, of("all.sh:3"), "nobody knows what that does then", "write to another directory"},
		{imageHas, of("/setup/02.sh", "all.sh:3"), "a loop over the directory runs it too", own},
		{imageMayHave, of("/setup/*.sh"), "a loop over the directory runs all that is there", own},
		{changedByOther, of("make in Dockerfile:3", "/setup/b.sh"), "what it writes is not known", "copy the scripts after that `RUN`"},

		{runsAsUser, of("Dockerfile:3", "app"), "what is mounted for its steps is root's", "run it above `USER`"},
		{hasPlatform, of("Dockerfile:1"), "its steps are put together on the target's platform", "run it in a stage without it"},
		{readByShells, of("Dockerfile:2", "BASH_ENV"), "each step would read it again", "set it below the `RUN`"},
		{onbuildBelow, of("Dockerfile:2"), "it would run once more for each part of the stage", "write what it does into this stage"},
		{onbuildAbove, of("Dockerfile:2"), "it would run for each part of the stage", "move it below the `RUN`"},
		{shellBetween, of("Dockerfile:3"), "`CMD` is written anew for each part of the stage, by another shell", "move `CMD` below the `RUN`"},
		{unknownWorkdir, nil, "an `ARG` or the base decides it", "write `WORKDIR` out"},
		{unreadShell, nil, "sh, bash, dash and ash are", "set `SHELL` to one of these above it"},
		{forNoShell, nil, "such as a here-document that begins with `#!`", "write a file of it, and run that"},
		{emptyTmpfs, of("/work"), "steps do not share it", mount},
		{writableMount, of("/setup"), "steps do not share it", mount},
		{mountLookedInto, of("tool", "/root/.cache"), "it may find there what another step left", "leave the mount out"},
		{mountNeeded, of("/var/cache/apt"), "what it finds there may be gone in the next step", "leave the mount out"},
		{mountHolds, of("/work"), "it may be gone in the next step", mount},
		{moreThanRun, of("all.sh"), "what it prints is piped or written to a file, or another program runs it", "run it by its path alone, in a command of its own"},
		{noChain, nil, "such as `a.sh || b.sh`, or `a.sh; b.sh` without `set -e`", "join its commands by `&&`, or begin with `set -e`"},
		{sharesState, nil, "such as `V=$(date)`, which a later command reads", "do that in the script that needs it"},
	}
}

// cannotSplit tells why a RUN that calls scripts stays one step.
type cannotSplit struct {
	why  why
	text string
}

func (e cannotSplit) Error() string { return e.text }

// cannot is the error of a reason, with the values of its format.
func cannot(w why, args ...any) error { return cannotSplit{w, fmt.Sprintf(string(w), args...)} }

// explained is what is told of an error: the reason, and the edit that lifts it.
func explained(err error) string {
	var c cannotSplit
	if !errors.As(err, &c) {
		return err.Error()
	}
	all := reasons()
	i := slices.IndexFunc(all, func(r reason) bool { return r.why == c.why })
	return c.text + "; to split it, " + all[i].lifts
}
