namespace Uprobes.Tool.CommandLine;

/// <summary>What shells read to complete the command's words. All of them ask the command itself, by the directive [suggest].</summary>
internal static class CompletionScripts
{
    /// <summary>Names come from files, and the shell would run what is in them: they are quoted. Readline breaks words at colons, which specifications have: what stands before the last one is taken off again.</summary>
    public const string Bash = """
        _uprobe() {
            local line=${COMP_LINE:0:COMP_POINT} word candidate
            word=${line##*[[:space:]]}
            local -a found
            mapfile -t found < <("$1" "[suggest:${#line}]" "$line" 2>/dev/null)
            COMPREPLY=()
            for candidate in "${found[@]}"; do
                [[ -n $candidate && $candidate == "$word"* ]] && COMPREPLY+=("$(printf %q "$candidate")")
            done
            if [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then
                COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*:}"}"}")
            fi
            [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *: ]] && compopt -o nospace
        }
        complete -o default -F _uprobe uprobe

        """;

    /// <summary>For a file _uprobe in fpath, or to be sourced behind compinit.</summary>
    public const string Zsh = """
        #compdef uprobe
        _uprobe() {
            local line="${words[1,CURSOR]}"
            local -a found
            found=("${(@f)$(${words[1]} "[suggest:${#line}]" "$line" 2>/dev/null)}")
            found=("${(@)found:#}")
            if (( ${#found} )); then compadd -- "${found[@]}"; else _files; fi
        }
        compdef _uprobe uprobe

        """;

    /// <summary>For a file uprobe.fish in completions, or to be sourced.</summary>
    public const string Fish = """
        function __uprobe_found
            set -l line (commandline -cp)
            set -l words (commandline -opc)
            $words[1] "[suggest:"(string length -- $line)"]" $line 2>/dev/null | string match -v ''
        end
        complete -c uprobe -a '(__uprobe_found)'

        """;
}
