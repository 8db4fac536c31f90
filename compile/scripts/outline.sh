#!/bin/sh
# Says how the directories of a root are where files come to lie on it: makes them anew in the result, with owner and
# mode and without what is in them. Links on the way come along, and what they lead to. A directory that the root lacks
# is root's, 0755.
#   outline.sh files NAME TARGET... [NAME TARGET...]  for files at the targets, in a directory of the result by each name
#   outline.sh filesystem KIND PATH A B...            for directories (owner A, mode B), which are made too, as links (to A) are,
#                                                     and for files; one of kind missing stays as it is where it is there
#   outline.sh outputs PATTERN...                     for what a script has made; a new directory is as it made it
set -eu
# What the files come to lie on; what the script ran on, and what it made of that.
root=/run/pgstrata/root before=/run/pgstrata/before made=/run/pgstrata/made
result=/run/pgstrata/result
nl='
'

refuse() {
    echo "$1" >&2
    exit 1
}

# state PATH: a directory's owner and mode.
state() { stat -c "%u:%g$nl%a" "$1"; }

# directory PATH OWNER MODE: makes a directory of the result.
directory() {
    mkdir -- "$result$1"
    [ "$2" = 0:0 ] || chown "$2" "$result$1" # first: it would take set-id bits away
    chmod "00$3" "$result$1"                 # so that a set-id bit of the directory above is not kept
}

# folder PATH: makes a directory of the result as the root has it.
# shellcheck disable=SC2046 # owner and mode are two words
folder() {
    if [ -d "$result$1" ]; then
        return
    elif [ -d "$root$1" ]; then
        directory "$1" $(state "$root$1")
    elif [ -d "$made$1" ] && [ ! -L "$made$1" ]; then
        directory "$1" $(state "$made$1")
    else
        directory "$1" 0:0 755
    fi
}

# links NAME [copy]: replaces the link at $have/NAME of the tree $in by what it leads to, in $have and $rest. With copy, the
# result gets the link.
link() {
    hops=$((hops + 1))
    [ "$hops" -le 40 ] || refuse "$asked: its symbolic links lead in a circle"
    [ "${2:-}" != copy ] || [ -L "$result$have/$1" ] || cp -P -p -- "$in$have/$1" "$result$have/$1"
    to=$(readlink "$in$have/$1")
    case $to in
    /*) have='' ;;
    esac
    rest=$to/$rest
}

# next: takes the next name off $rest; fails for one that leads nowhere.
next() {
    name=${rest%%/*}
    case $rest in
    */*) rest=${rest#*/} ;;
    *) rest='' ;;
    esac
    case $name in
    '' | .) return 1 ;;
    ..) have=${have%/*} && return 1 ;;
    esac
}

# way PATH file|folder: makes all directories on the way to a file, or to a directory and that too.
way() {
    asked=$1 in=$root have='' rest=$1 hops=0
    while [ -n "$rest" ]; do
        next || continue
        at=$have/$name
        if [ -L "$root$at" ]; then
            in=$root
            link "$name" copy
        elif [ ! -e "$root$at" ] && [ -L "$made$at" ]; then # a script's own link
            in=$made
            link "$name" copy
        elif [ "$2" = file ] && [ -z "$rest" ]; then
            [ ! -d "$root$at" ] || refuse "$1 is to be a file, and $at is a directory of the image"
        elif [ -e "$root$at" ] && [ ! -d "$root$at" ]; then
            refuse "$1 needs the directory $at, and that is a file of the image"
        else
            folder "$at"
            have=$at
        fi
    done
}

# resolve PATH: sets have to where a path that a script made really is.
resolve() {
    asked=$1 in=$made have='' rest=$1 hops=0
    while [ -n "$rest" ]; do
        next || continue
        if [ -L "$made$have/$name" ]; then
            link "$name"
        else
            have=$have/$name
        fi
    done
}

# inside PATH MADE: the same for a directory that is an output, at PATH in the root and at MADE where the script made it, and
# for those in it, where the root has them too. The copy of the output brings the others, and one that the script changed
# and nobody else.
inside() {
    if [ -L "$root$1" ]; then
        refuse "the output $1 is a directory, and a symbolic link of the image: name what is in it"
    elif [ ! -e "$root$1" ]; then
        return 0
    elif [ ! -d "$root$1" ]; then
        refuse "the output $1 is a directory, and a file of the image"
    fi
    if [ ! -d "$before$2" ] || [ "$(state "$root$1")" != "$(state "$before$2")" ] || [ "$(state "$made$2")" = "$(state "$before$2")" ]; then
        folder "$1"
    elif [ ! -d "$result$1" ]; then
        # shellcheck disable=SC2046 # owner and mode are two words
        directory "$1" $(state "$made$2")
    fi
    for entry in "$made$2"/* "$made$2"/.[!.]* "$made$2"/..?*; do
        if [ -d "$entry" ] && [ ! -L "$entry" ]; then
            inside "$1/${entry##*/}" "${entry#"$made"}"
        fi
    done
}

what=$1
shift
case $what in
files)
    for word; do
        case $word in
        /*) way "$word" file ;;
        *)
            result=/run/pgstrata/result/$word
            mkdir "$result"
            ;;
        esac
    done
    ;;
filesystem)
    while [ "$#" -gt 0 ]; do
        case $1 in
        directory)
            way "$2" folder
            chown "$3" "$result$have"
            chmod "00$4" "$result$have"
            ;;
        missing)
            way "$2" folder
            if [ ! -d "$root$have" ]; then
                chown "$3" "$result$have"
                chmod "00$4" "$result$have"
            fi
            ;;
        file) way "$2" file ;;
        link)
            way "${2%/*}" folder
            name=$have/${2##*/}
            if [ -d "$root$name" ] && [ ! -L "$root$name" ]; then
                refuse "$2 is to be a link, and is a directory of the image"
            fi
            ln -s -- "$3" "$result$name"
            ;;
        esac
        shift 4
    done
    ;;
outputs)
    IFS=$nl # a path may hold blanks
    for pattern; do
        # what is before the first name with a * or the like
        fixed=${pattern%%[*?[]*}
        fixed=${fixed%/*}
        resolve "$fixed"
        top=$have
        for path in "$made$top"${pattern#"$fixed"}; do
            [ -e "$path" ] || [ -L "$path" ] || continue # the copy says that there is none
            path=${path#"$made$top"}
            way "$fixed${path%/*}" folder
            if [ -d "$made$top$path" ] && [ ! -L "$made$top$path" ]; then
                inside "$have/${path##*/}" "$top$path"
            fi
        done
    done
    ;;
esac
