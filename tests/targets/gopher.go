// A Go program: `go N` has N goroutines call work 100 times each and grow their stacks, `panics N` recovers N panics, each below three
// calls, `grow N` calls itself N deep, `collect N` makes garbage. Each answers with the number of calls of work or down.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

//go:noinline
func work(a, b int64) int64 { return a*3 + (b ^ 0x55) + (a >> 2) }

//go:noinline
func down(n int64) int64 {
	var room [64]int64
	room[n&63] = n
	if n == 0 {
		return room[0]
	}
	return down(n-1) + room[n&63] - n + 1
}

//go:noinline
func fails(n int64) int64 {
	if work(n, n) > 0 {
		panic(n)
	}
	return n
}

func recovers(n int64) (result int64) {
	defer func() { result = recover().(int64) }()
	return fails(n) + 1
}

func check(is, expected int64) {
	if is != expected {
		fmt.Println("wrong", is, expected)
		os.Exit(3)
	}
}

func main() {
	time.AfterFunc(120*time.Second, func() { os.Exit(4) }) // nothing is orphaned for ever
	fmt.Println("ready", os.Getpid())
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		var verb string
		var n int64
		fmt.Sscan(input.Text(), &verb, &n)
		var calls int64
		switch {
		case verb == "quit":
			return
		case verb == "go":
			var all sync.WaitGroup
			for i := int64(0); i < n; i++ {
				all.Add(1)
				go func(i int64) {
					defer all.Done()
					for k := int64(0); k < 100; k++ {
						check(work(i, k), i*3+(k^0x55)+(i>>2))
						if k%25 == 0 {
							runtime.Gosched()
						}
					}
					check(down(200), 200)
				}(i)
			}
			all.Wait()
			calls = 100 * n
		case verb == "panics":
			for i := int64(1); i <= n; i++ {
				check(recovers(i), i)
			}
			calls = n
		case verb == "grow":
			check(down(n), n)
			calls = n + 1
		case verb == "collect":
			var kept []string
			for i := int64(0); i < n; i++ {
				kept = append(kept, strings.Repeat("x", int(work(i, i)&1023)))
				if len(kept) > 100 {
					kept = nil
				}
			}
			runtime.GC()
			calls = n
		}
		fmt.Println("result", calls)
	}
}
