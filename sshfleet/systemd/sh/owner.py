"""Whose name is it: what is not ours on a machine is refused before anything is done."""

SCRIPT = r"""
# Set $owner to the file that gives the name $1 its meaning unless that is a link of ours: nothing
# when the name is free. An instance without a file of its own belongs to its template.
find_owner() {
    local template='' candidate folder
    case $1 in
    *@*) template=${1%%@*}@.${1##*.} ;;
    esac
    owner=''
    for candidate in "$1" $template; do
        for folder in $unit_path; do
            owner=$folder/$candidate
            if [ -e "$owner" ] || [ -L "$owner" ]; then
                if is_our_link "$owner" "$candidate"; then owner=''; fi
                return
            fi
        done
    done
    owner=''
}

# $1 verb, $2 name: fail the operation when the name is not ours to work with.
admit() {
    local record owner
    find_owner "$2"
    if [ "$owner" ]; then
        # An empty file and a link to /dev/null both mean masked.
        [ -s "$owner" ] || owner="$owner, which masks it"
        fail "$1" "$2" "the name is taken by $owner"
        return
    fi
    read_record "$2"
    case $record in
    *"\"lineage\":\"$lineage\""*) ;;
    *'"lineage":"'*)
        record=${record#*'"lineage":"'}
        fail "$1" "$2" "it belongs to another journal (lineage ${record%%'"'*})"
        ;;
    esac
}

admit_all() {
    local word
    for word in $actions; do admit "${word#*/}" "${word%/*}"; done
}
"""
