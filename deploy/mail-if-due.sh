#!/bin/sh
# Prints the last lines of a tick, which it reads, if they are to be mailed: cron mails what is printed. The last line is its exit code.
# docs/operator.md, "Exit codes", has when a mail is due. A tick that cannot even start cannot keep it back.
text=$(tail -n 40)
if ! printf '%s\n' "$text" | grep -q "it has ended: "; then
    case $(printf '%s\n' "$text" | tail -n 1) in "exit code 0" | "exit code 7") exit ;; esac
    printf '%s\n' "$text" | grep -q "no mail is due: " && exit
fi
printf '%s\n' "$text"
