//! The memo changes nothing but time: whatever was checked, appended or edited before, it says of a
//! text what the check says.

use arbitrary::{Arbitrary, Unstructured};
use jsonmerge::array::{Array, Invalid, Verified};
use jsonmerge::verified::{self, Trace};

/// One of the texts, and what is done with it.
#[derive(Arbitrary, Debug)]
struct Step {
    #[arbitrary(with = |input: &mut Unstructured| input.choose_index(TEXTS))]
    text: usize,
    operation: Operation,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Verify,
    /// Makes it an array of so many digits, as APPEND does where no key is.
    Create(u8),
    /// APPEND to it.
    Append {
        #[arbitrary(with = |input: &mut Unstructured| input.choose(&ADDED).copied())]
        added: &'static str,
        trust: bool,
    },
    /// Changes a byte, as SETRANGE does.
    Edit {
        at: u16,
        #[arbitrary(with = |input: &mut Unstructured| input.choose(TELLING).copied())]
        byte: u8,
    },
    /// Makes it the same as another.
    Copy {
        #[arbitrary(with = |input: &mut Unstructured| input.choose_index(TEXTS))]
        from: usize,
    },
    Slots(#[arbitrary(with = |input: &mut Unstructured| input.choose(&SLOTS).copied())] usize),
}

const TEXTS: usize = 3;
const ADDED: [&str; 4] = ["[1]", " [ 2 , 3 ] ", "[[],{}]", "[\"]\"]"];
/// Bytes that make another array of a text, or none.
const TELLING: &[u8] = b"12,[]\" x\xff";
const SLOTS: [usize; 4] = [0, 1, 2, 64];

/// Does what the input stands for, with an empty memo at first.
pub fn hold(input: &[u8]) {
    let Ok(steps) = Vec::<Step>::arbitrary_take_rest(Unstructured::new(input)) else { return };
    verified::set_slots(64);
    // Of 255 bytes, which the memo leaves alone, 257 and 401.
    let mut texts: [_; TEXTS] = [127, 128, 200].map(digits);
    for (done, Step { text, operation }) in steps.iter().enumerate() {
        let history = &steps[..=done];
        match *operation {
            Operation::Verify => _ = verify(&mut Trace::default(), &texts[*text], history),
            Operation::Create(len) => texts[*text] = create(len.into()),
            Operation::Append { added, trust } => append(&mut texts[*text], added, trust, history),
            Operation::Edit { at, byte } => {
                let at = usize::from(at) % texts[*text].len();
                texts[*text][at] = byte;
            }
            Operation::Copy { from } => texts[*text] = texts[from].clone(),
            Operation::Slots(slots) => verified::set_slots(slots),
        }
    }
}

fn digits(len: usize) -> Vec<u8> {
    format!("[{}]", vec!["1"; len].join(",")).into_bytes()
}

fn create(len: usize) -> Vec<u8> {
    let text = digits(len);
    let array = Array::find(&text).expect("an array");
    verified::remember(&mut Trace::default(), array.stem(&text), len);
    text
}

fn append(text: &mut Vec<u8>, added: &str, trust: bool, history: &[Step]) {
    let mut trace = Trace::default();
    let stored = match Array::find(text) {
        Some(array) if trust => Ok(Verified { array, len: 0 }),
        _ => verify(&mut trace, text, history),
    };
    let Ok(Verified { array, len }) = stored else { return };
    let added = Array::verify(added.as_bytes()).expect("an array");
    let splice = array.splice(&added.array);
    text.resize(text.len().max(splice.end()), 0);
    let (stem, _) = splice.write(text).expect("there is room");
    if !trust {
        verified::remember(&mut trace, stem, len + added.len);
    }
}

fn verify<'t>(
    trace: &mut Trace,
    text: &'t [u8],
    history: &[Step],
) -> Result<Verified<'t>, Invalid> {
    let found = verified::verify(trace, text);
    assert_eq!(found, Array::verify(text), "{history:?}");
    found
}
