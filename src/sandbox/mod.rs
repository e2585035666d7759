//! An LMS to rehearse on.
