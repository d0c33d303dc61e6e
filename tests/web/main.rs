//! The pages, used as a browser uses them, without a socket and without the script.

#![cfg(test)]

mod accounts;
mod astray;
mod browser;
mod contacts;
mod doors;
mod every_page;
mod five_minutes;
mod hostile;
mod kept;
mod late;
mod lost;
mod pages;
mod refused;
mod second;
mod sessions;
mod undo;
mod weight;
