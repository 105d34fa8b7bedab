// A Rust program with debug information: structs, references, slices, a large struct by value.
pub struct Point {
    pub x: i32,
    pub y: i64,
}

pub struct Shape<'a> {
    pub corner: Point,
    pub sides: [u16; 3],
    pub parent: Option<&'a Shape<'a>>,
    pub closed: bool,
}

#[no_mangle]
#[inline(never)]
pub fn measure(shape: &Shape, scale: u32, label: &str, large: Shape, last: u8) -> i64 {
    println!("measure {} {} {}", scale, label, last);
    shape.corner.y * scale as i64 + large.corner.x as i64
}

fn main() {
    let outer = Shape { corner: Point { x: 1, y: 2 }, sides: [3, 4, 5], parent: None, closed: true };
    let inner = Shape { corner: Point { x: 6, y: 7 }, sides: [8, 9, 10], parent: Some(&outer), closed: false };
    let copy = Shape { corner: Point { x: 16, y: 17 }, sides: [8, 9, 10], parent: None, closed: true };
    println!("{}", measure(&inner, 3, "area", copy, 200));
}
