//! A file becomes rows.
