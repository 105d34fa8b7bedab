// A Rust program whose calls end in `mark`: each command, or an argument, has it called once.
use std::hint::black_box;
use std::io::BufRead;

#[no_mangle]
#[inline(never)]
pub extern "C" fn mark(n: u64) -> u64 {
    black_box(n) + 1
}

mod shapes {
    pub trait Area {
        fn area(&self, n: u64) -> u64;
    }
    pub struct Square<T>(pub T);
    impl<T: Copy + Into<u64>> Area for Square<T> {
        #[inline(never)]
        fn area(&self, n: u64) -> u64 {
            std::hint::black_box(crate::mark(n)) + self.0.into()
        }
    }
}

#[inline(never)]
fn apply(f: &dyn Fn(u64) -> u64) -> u64 {
    black_box(f(3)) + 1
}

#[inline(never)]
fn run() -> u64 {
    let shape: Box<dyn shapes::Area> = Box::new(shapes::Square(2u32));
    apply(&|n| black_box(shape.area(n)) + 2)
}

fn main() {
    if std::env::args().len() > 1 {
        println!("result {}", run());
        return;
    }
    println!("ready {}", std::process::id());
    for line in std::io::stdin().lock().lines() {
        if line.unwrap() == "quit" {
            return;
        }
        println!("result {}", run());
    }
}
