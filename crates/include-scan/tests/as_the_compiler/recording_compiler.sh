#!/bin/sh
# Stands in for a compiler: writes down where it was called and how, and leaves empty outputs. LOG is filled in.
printf '%s\0' "$PWD" "$@" >"$(mktemp 'LOG/XXXXXX')"
object='' previous='' compiles='' source=''
for word; do
    case $previous in
    -o) object=$word ;;
    -MF) : >"$word" ;;
    esac
    case $word in
    -c) compiles=yes ;;
    *.c | *.S) source=$word ;;
    esac
    previous=$word
done
if [ "$compiles" ] && [ -z "$object" ]; then
    object=$(basename "${source%.*}").o
fi
if [ "$object" ]; then : >"$object"; fi
