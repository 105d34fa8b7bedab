# A deterministic moment of bash: arithmetic, arrays, strings, functions, subshells, here-documents. No other program.
sum=0
declare -A seen
mix() { sum=$(( (sum * 31 + $1) & 0xffffffff )); }
for (( i = 0; i < 20000; i++ )); do
    mix $(( i * i % 977 ))
    seen[k$(( i % 211 ))]=$i
done
text=
for key in "${!seen[@]}"; do text+=${seen[$key]},; done
mix ${#text}
for (( i = 0; i < 40; i++ )); do
    value=$(printf '%05d' "$i"; [[ $i -lt 20 ]])
    mix "$(( 10#$value + $? ))"
done
while read -r word rest; do mix ${#word}; mix "${#rest}"; done <<END
alpha beta gamma
delta ${text:0:50}
END
( exit 7 ) || mix $?
printf '%s\n' "${text//1/one}" | { read -r line; echo "${#line} $sum"; }
exit $(( sum % 100 ))
