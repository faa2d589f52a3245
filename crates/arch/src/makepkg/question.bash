# Asks makepkg's own functions what they make of its configuration; makepkg.rs runs this and reads the answer.
# Words: library, configuration, home whose own configuration the library passes over or "", "build" or "", PKGBUILD or
# "", then variables.
# The answer: for each command that was run 0x1e FILE 0x1f LINE 0x1f COMMAND, then 0x1d, then for each variable its
# name, its attributes, how many elements it has, and these, with a NUL after each; last the word "end".
exec {distcc_arch_answer}>&1 1>&2
# What prints or grows without end must fill neither disk nor memory.
ulimit -f 8192 -v 2097152
LIBRARY=$1 MAKEPKG_LIBRARY=$1
distcc_arch_words=("${@:2}")
shopt -s extglob
type -p gettext >/dev/null || gettext() { printf '%s\n' "$@"; }
for distcc_arch_part in util/config buildenv; do
	source "$LIBRARY/$distcc_arch_part.sh" || exit 90
done
distcc_arch_home() {
	if [[ -r $1/.config/pacman/makepkg.conf ]]; then
		source_safe "$1/.config/pacman/makepkg.conf"
	elif [[ -r $1/.makepkg.conf ]]; then
		source_safe "$1/.makepkg.conf"
	fi
}
set --
BASH_XTRACEFD=$distcc_arch_answer
PS4=$'\x1e${BASH_SOURCE}\x1f${LINENO}\x1f'
set -x
load_makepkg_config "${distcc_arch_words[0]}"
if [[ ${distcc_arch_words[1]} ]]; then distcc_arch_home "${distcc_arch_words[1]}"; fi
if [[ ${distcc_arch_words[2]} ]]; then
	if [[ ${distcc_arch_words[3]} ]]; then source_safe "${distcc_arch_words[3]}"; fi
	srcdir=$PWD/src pkgbase=${pkgbase:-$pkgname}
	prepare_buildenv
fi
set +x
{
	printf '\x1d'
	for distcc_arch_name in "${distcc_arch_words[@]:4}"; do
		[[ -v $distcc_arch_name || -v $distcc_arch_name[@] ]] || continue
		declare -n distcc_arch_value=$distcc_arch_name
		printf '%s\0' "$distcc_arch_name" "${!distcc_arch_name@a}" "${#distcc_arch_value[@]}" "${distcc_arch_value[@]}"
		unset -n distcc_arch_value
	done
	printf 'end\0'
} >&"$distcc_arch_answer"
