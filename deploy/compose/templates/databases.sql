-- Run once, when PostgreSQL begins with an empty folder.
CREATE ROLE synapse LOGIN PASSWORD '@SYNAPSE_PASSWORD@';
CREATE DATABASE synapse OWNER synapse TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
CREATE ROLE ringback LOGIN PASSWORD '@RINGBACK_PASSWORD@';
CREATE DATABASE ringback OWNER ringback;
