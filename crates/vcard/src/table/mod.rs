//! Tables.
mod cells;
