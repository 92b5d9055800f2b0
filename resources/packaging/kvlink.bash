# SPDX-License-Identifier: Apache-2.0
# Completion of kvlink for bash.
_kvlink() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local commands="add remove status search ask chat cache model tokenize bench doctor"
  local everywhere="--data-dir --models-dir --model --adapter --threads --json --help"
  local command="" sub="" i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case " $commands " in
      *" ${COMP_WORDS[i]} "*)
        command=${COMP_WORDS[i]}
        sub=${COMP_WORDS[i+1]}
        break ;;
    esac
  done
  case $previous in
    --data-dir|--models-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    --model|--adapter|--file|--whole) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    --mode) mapfile -t COMPREPLY < <(compgen -W "full concat reposition link recompute" -- "$word")
            return ;;
  esac
  local choices=$everywhere
  case $command in
    "") choices="$commands $everywhere --version" ;;
    add) choices+=" --no-kv --watch --exclude --hidden --password-file" ;;
    status) choices+=" --documents" ;;
    search) choices+=" --limit --docs" ;;
    ask) choices+=" --mode --recompute --recompute-share --max-tokens --docs --whole --cold --no-cache" ;;
    chat) choices+=" --mode --max-tokens --docs --continue --list" ;;
    cache) choices+=" --doc --id --stale --all --pinned"
           [[ $COMP_CWORD -eq $((i + 1)) ]] && choices="ls verify evict pin unpin rebuild" ;;
    model) [[ $COMP_CWORD -eq $((i + 1)) ]] && choices="ls check" ;;
    bench) [[ $COMP_CWORD -eq $((i + 1)) ]] && choices="ttft" ;;
    tokenize) choices+=" --file" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
  if [[ $word != -* && ( $command == add || $command == remove || $sub == check ) ]]; then
    local files
    mapfile -t files < <(compgen -f -- "$word")
    COMPREPLY+=("${files[@]}")
  fi
}
complete -o filenames -F _kvlink kvlink
