//! Pages and pictures over real rows and a real store.

mod looks;
mod world;
