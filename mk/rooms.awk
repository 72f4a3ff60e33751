# rooms.awk - turns ROOMS into make rules: one view folder of symlinks and one archive a room,
# and the archives and libraries that each program links.  O is the build folder.
# Refuses a room that uses one not named above it.
/^[[:space:]]*(#|$)/ { next }
$1 == "program" {
    for (i = 2; i <= NF; i++) { split($i, p, "="); if (!(p[2] in folder)) die(p[2] " is no room"); program[p[1]] = p[2]; order_p[++np] = p[1] }
    next
}
{
    room = $1; folder[room] = $2; order[++n] = room
    reach[room] = " " room " "
    word[room] = ""
    see[room] = " " room " "
    for (i = 3; i <= NF; i++) {
        if ($i == "-") continue
        if ($i ~ /^(mem|math|libcrypto|libssl|sodium|libc|curl|jansson|microhttpd|any)$/) { word[room] = word[room] " " $i; continue }
        if (!($i in folder) || $i == room) die(room " uses " $i ", not above it")
        see[room] = see[room] $i " "
        reach[room] = join(reach[room], reach[$i])
    }
}
END {
    if (failed) exit 1
    for (r = 1; r <= n; r++) {
        room = order[r]
        printf "ROOM_LIST += %s\n", room
        printf "FOLDER_%s := %s\nSEES_%s :=%s\nWORDS_%s :=%s\n", room, folder[room], room, see[room], room, word[room]
        printf "%s/view/%s/.made: ROOMS mk/rooms.awk\n\t@rm -rf %s/view/%s && mkdir -p %s/view/%s\n", O, room, O, room, O, room
        m = split(see[room], s, " ")
        for (i = 1; i <= m; i++) printf "\t@ln -s $(CURDIR)/%s %s/view/%s/%s\n", folder[s[i]], O, room, s[i]
        if (room == "client" || room == "cmd") printf "\t@ln -s $(CURDIR)/include/em %s/view/%s/em\n", O, room
        printf "\t@touch $@\n"
        # archives in link order: users before the used
        libs = ""; words = " "
        for (k = n; k >= 1; k--) if (index(reach[room], " " order[k] " ")) {
            libs = libs " $(O)/lib" order[k] ".a"
            m = split(word[order[k]], s, " ")
            for (i = 1; i <= m; i++) if (!index(words, " " s[i] " ")) words = words s[i] " "
        }
        printf "LIBS_%s :=%s\nLINK_%s :=%s\n", room, libs, room, words
    }
    printf "%s/view/all/.made: ROOMS mk/rooms.awk\n\t@rm -rf %s/view/all && mkdir -p %s/view/all\n", O, O, O
    for (r = 1; r <= n; r++) printf "\t@ln -s $(CURDIR)/%s %s/view/all/%s\n", folder[order[r]], O, order[r]
    printf "\t@ln -s $(CURDIR)/include/em %s/view/all/em\n\t@ln -s $(CURDIR)/tests %s/view/all/tests\n\t@touch $@\n", O, O
    for (k = 1; k <= np; k++) printf "PROGRAM_LIST += %s\nROOM_OF_%s := %s\n", order_p[k], order_p[k], program[order_p[k]]
}
function join(a, b,   m, s, i) {
    m = split(b, s, " ")
    for (i = 1; i <= m; i++) if (!index(a, " " s[i] " ")) a = a s[i] " "
    return a
}
function die(text) { print "ROOMS: " text > "/dev/stderr"; print "$(error ROOMS: " text ")"; failed = 1; exit 1 }
