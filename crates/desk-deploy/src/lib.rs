//! desk-deploy
