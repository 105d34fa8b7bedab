"""A deterministic moment of Python: objects, strings, dictionaries, sorting, regular expressions, files, exceptions."""
import hashlib
import io
import json
import re
import struct
import zlib


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def generate(count, state=12345):
    for _ in range(count):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        yield state


def main():
    digest = hashlib.sha256()
    numbers = list(generate(40000))
    digest.update(struct.pack("<40000I", *sorted(numbers)))
    words = {}
    for n in numbers:
        words.setdefault(f"w{n % 977}", []).append(n)
    text = json.dumps({k: v[:8] for k, v in sorted(words.items())}, sort_keys=True)
    digest.update(json.dumps(json.loads(text), sort_keys=True).encode())
    digest.update(zlib.compress(text.encode(), 6))
    digest.update(" ".join(re.findall(r'"w(\d*7)"', text)).encode())
    failures = 0
    for n in numbers[:5000]:
        try:
            failures += 1000 // (n % 3)
        except ZeroDivisionError as error:
            failures += len(str(error))
    buffer = io.StringIO()
    for n in range(5000):
        print(n * n, file=buffer, end=",")
    digest.update(buffer.getvalue().encode())
    print(fibonacci(23), failures, digest.hexdigest())


main()
